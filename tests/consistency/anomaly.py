"""What a checker found: a name, what it says, and the operations that show it."""


class Anomaly:
    def __init__(self, name, table, text, evidence=()):
        self.name, self.table, self.text = name, table, text
        self.evidence = list(evidence)  # operations or lines

    def __str__(self):
        lines = [f"{self.name} in {self.table}: {self.text}"]
        return "\n    ".join(lines + [str(line) for line in self.evidence])
