# R's RPostgreSQL. It does not tell SQLSTATEs, and can't cancel from another thread: messages are
# compared, and a timeout cancels.
suppressMessages(library(RPostgreSQL))

TEXT <- "ünï¢ödé 漢字 🐘 'quoted' \"twice\" back\\slash %s $1 ?\ttab\nline"
SLOW <- "SELECT count(*) FROM generate_series(1, 10000000000)"
LARGE <- 100 * 1024 * 1024

connected <- function(code, port = Sys.getenv("PGPORT")) {
  c <- dbConnect(PostgreSQL(), host = Sys.getenv("PGHOST"), port = as.integer(port),
                 user = Sys.getenv("PGUSER"), dbname = Sys.getenv("PGDATABASE"))
  on.exit(dbDisconnect(c))
  dbGetQuery(c, "SET client_min_messages = warning")
  code(c)
}

# Rows that it changed
run <- function(c, ...) {
  r <- dbSendQuery(c, ...)
  on.exit(dbClearResult(r))
  dbGetRowsAffected(r)
}

value <- function(c, ...) dbGetQuery(c, ...)[[1]]

text <- function(v) paste(deparse(v), collapse = "")

same <- function(found, wanted) {
  if (!isTRUE(all.equal(found, wanted, tolerance = 0, check.attributes = FALSE)))
    stop("wanted ", text(wanted), ", found ", text(found))
}

fails <- function(message, c, ...) {
  found <- tryCatch({ run(c, ...); "no error" }, error = conditionMessage)
  if (!grepl(message, found, fixed = TRUE)) stop("wanted ", message, ", found ", found)
}

checks <- list(
  connect = function() connected(function(c) {
    same(sub("[.].*", "", dbGetInfo(c)$serverVersion), "15")
    same(value(c, "SHOW client_encoding"), "UTF8")
  }),

  ddl = function() connected(function(c) {
    for (t in c("r_t", "r_u", "r_frame")) run(c, paste("DROP TABLE IF EXISTS", t))
    run(c, "CREATE TABLE r_t (id int PRIMARY KEY, b bool, i2 int2, i8 int8, n numeric(12, 3), f8 float8, t text,
      c char(5), v varchar(9), y bytea, u uuid, d date, tz timestamptz, iv interval, a int[], j jsonb)")
    run(c, "CREATE TABLE r_u (id int PRIMARY KEY, name text NOT NULL UNIQUE)")
    run(c, "CREATE INDEX r_u_lower ON r_u (lower(name))")
    same(dbExistsTable(c, "r_t"), TRUE)
    same(all(c("r_t", "r_u") %in% dbListTables(c)), TRUE)
    same(dbListFields(c, "r_u"), c("id", "name"))
  }),

  types_and_nulls = function() connected(function(c) {
    given <- list("1", "true", "-32768", "-9007199254740992", "123456789.125", "0.1", TEXT, "ab", "ä", "\\x0001ff",
                  "0123abcd-4567-89ab-cdef-0123456789ab", "2024-02-29", "2024-06-01 12:00:00.5+00", "-3 days 00:00:04",
                  "{1,NULL,3}", "{\"k\": [1, null]}")
    wanted <- list(1L, TRUE, -32768L, -9007199254740992, 123456789.125, 0.1, TEXT, "ab   ", "ä", "\\x0001ff",
                   "0123abcd-4567-89ab-cdef-0123456789ab", as.Date("2024-02-29"),
                   as.POSIXct("2024-06-01 12:00:00.5"), "-3 days +00:00:04", "{1,NULL,3}", "{\"k\": [1, null]}")
    insert <- paste0("INSERT INTO r_t VALUES (", paste0("$", seq_along(given), collapse = ", "), ")")
    same(run(c, insert, given), 1L)
    run(c, paste0("INSERT INTO r_t VALUES (2", strrep(", NULL", length(given) - 1), ")")) # an NA would be sent as text
    rows <- dbGetQuery(c, "SELECT * FROM r_t ORDER BY id")
    for (i in seq_along(wanted)) same(rows[[i]][1], wanted[[i]])
    for (i in 2:length(wanted)) same(is.na(rows[[i]][2]), TRUE)
    for (i in c(2, 5, 7, 11, 12, 14, 15, 16)) {
      name <- names(rows)[i]
      same(value(c, sprintf("SELECT id FROM r_t WHERE %s = $1", name), given[i]), 1L)
    }
    r <- dbSendQuery(c, "SELECT i2, i8, n, v FROM r_t")
    columns <- dbColumnInfo(r)
    dbClearResult(r)
    same(columns$type, c("SMALLINT", "BIGINT", "DECIMAL", "VARCHAR"))
    same(columns$precision, c(-1L, -1L, 786439L, 13L))
  }),

  batch = function() connected(function(c) {
    frame <- data.frame(id = 1:500, name = paste0("n", 1:500), size = (1:500) / 8, on = rep(c(TRUE, FALSE), 250),
                        stringsAsFactors = FALSE)
    frame$name[3] <- TEXT
    frame$size[4] <- NA
    same(dbWriteTable(c, "r_frame", frame, row.names = FALSE), TRUE)
    same(dbReadTable(c, "r_frame"), frame)
    same(dbWriteTable(c, "r_frame", frame[1:2, ], row.names = FALSE, append = TRUE), TRUE)
    same(value(c, "SELECT count(*) FROM r_frame"), 502)
    same(run(c, "INSERT INTO r_u SELECT id, name FROM r_frame WHERE id < 11 AND id <> 3 ON CONFLICT DO NOTHING"), 9L)
    fails("violates unique constraint", c, "INSERT INTO r_u VALUES (50, 'x'), (51, 'n1')")
    same(value(c, "SELECT count(*) FROM r_u WHERE id >= 50"), 0)
    same(dbRemoveTable(c, "r_frame"), TRUE)
  }),

  cursors = function() connected(function(c) {
    r <- dbSendQuery(c, "SELECT i FROM generate_series(1, 250) i")
    sizes <- c(); rows <- c()
    while (!dbHasCompleted(r)) {
      part <- fetch(r, 100)
      sizes <- c(sizes, nrow(part)); rows <- c(rows, part$i)
    }
    dbClearResult(r)
    same(sizes[1:3], c(100L, 100L, 50L))
    same(rows, 1:250)
    dbBegin(c)
    run(c, "DECLARE a SCROLL CURSOR FOR SELECT i FROM generate_series(1, 10) i")
    run(c, "DECLARE b CURSOR FOR SELECT i * 2 FROM generate_series(1, 10) i")
    same(value(c, "FETCH 3 FROM a"), 1:3)
    same(value(c, "FETCH 2 FROM b"), c(2L, 4L))
    same(value(c, "FETCH BACKWARD 1 FROM a"), 2L)
    fails("cursor \"nothing\" does not exist", c, "FETCH nothing")
    dbRollback(c)
  }),

  transactions = function() connected(function(c) connected(function(other) {
    count <- function(of) value(of, "SELECT count(*) FROM r_u WHERE id >= 100")
    dbBegin(c)
    run(c, "INSERT INTO r_u VALUES (100, 'r100')")
    same(c(count(c), count(other)), c(1, 0))
    dbRollback(c)
    same(count(c), 0)
    dbBegin(c)
    run(c, "INSERT INTO r_u VALUES (100, 'r100')")
    run(c, "SAVEPOINT s")
    fails("duplicate key value", c, "INSERT INTO r_u VALUES (100, 'r101')")
    fails("current transaction is aborted", c, "SELECT 1")
    run(c, "ROLLBACK TO s")
    dbCommit(c)
    same(c(count(c), count(other)), c(1, 1))
    run(c, "BEGIN READ ONLY")
    fails("read-only transaction", c, "DELETE FROM r_u")
    dbRollback(c)
    same(run(c, "DELETE FROM r_u WHERE id >= 100"), 1L)
  })),

  errors = function() connected(function(c) {
    fails("division by zero", c, "SELECT 1 / 0")
    fails("relation \"r_none\" does not exist\nLINE 1: SELECT * FROM r_none\n                      ^", c, "SELECT * FROM r_none")
    fails("column \"nope\" does not exist", c, "SELECT nope FROM r_u")
    fails("syntax error at or near \"SELEC\"", c, "SELEC 1")
    fails("duplicate key value violates unique constraint \"r_u_name_key\"\nDETAIL:  Key (name)=(n1) already exists.", c,
          "INSERT INTO r_u VALUES (60, 'n1')")
    fails("null value in column \"name\" of relation \"r_u\" violates not-null constraint", c, "INSERT INTO r_u VALUES (61)")
    fails("invalid input syntax for type integer: \"x\"", c, "SELECT $1::int", "x")
    same(value(c, "SELECT 1"), 1L)
  }),

  prepared = function() connected(function(c) {
    for (i in 1:20) same(value(c, "SELECT $1::int + $2::int", c(i, 1)), i + 1L)
    run(c, "PREPARE r_p (int, text) AS SELECT $1 * 2, $2 || '!'")
    same(unlist(dbGetQuery(c, "EXECUTE r_p (21, 'a')")), c("42", "a!"))
    run(c, "DEALLOCATE r_p")
    fails("prepared statement \"r_p\" does not exist", c, "EXECUTE r_p (1, 'a')")
    fails("bind message supplies 1 parameters", c, "SELECT $1::int + $2::int", 1)
  }),

  unicode = function() connected(function(c) {
    same(value(c, "SELECT $1::text", TEXT), TEXT)
    same(value(c, paste0("SELECT '", postgresqlEscapeStrings(c, "it's"), "'")), "it's")
    same(value(c, "SELECT length($1)", TEXT), nchar(TEXT))
    same(names(dbGetQuery(c, "SELECT 1 AS \"Ünï 漢\"")), "Ünï 漢")
  }),

  large = function() connected(port = Sys.getenv("LARGE_PORT"), function(c) {
    run(c, "DROP TABLE IF EXISTS r_large")
    run(c, "CREATE TABLE r_large (t text)")
    given <- strrep("0123456789abcdef", LARGE / 16)
    run(c, "INSERT INTO r_large VALUES ($1)", given)
    found <- value(c, "SELECT t FROM r_large")
    same(nchar(found, "bytes"), as.integer(LARGE))
    if (found != given) stop("another text")
    run(c, "DROP TABLE r_large")
  }),

  cancel = function() connected(function(c) {
    run(c, "SET statement_timeout = 300")
    fails("canceling statement due to statement timeout", c, SLOW)
    run(c, "RESET statement_timeout")
    same(value(c, "SELECT 1"), 1L)
  })
)

for (name in names(checks)) {
  why <- tryCatch({ suppressWarnings(checks[[name]]()); NULL }, error = conditionMessage)
  if (is.null(why)) cat("ok ", name, "\n", sep = "") else cat("FAILED ", name, ": ", gsub("\n", "\n    ", why), "\n", sep = "")
}
