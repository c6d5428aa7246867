# DBD::Pg.
use strict;
use warnings;
use utf8;
use DBI;
use DBD::Pg qw(:pg_types :async);

binmode(STDOUT, ':utf8');
my $TEXT = "ünï¢ödé 漢字 🐘 'quoted' \"twice\" back\\slash %s \$1 ?\ttab\nline";
my $SLOW = 'SELECT count(*) FROM generate_series(1, 10000000000)';
my $LARGE = 100 * 1024 * 1024;

sub connected {
    my ($port) = @_;
    return DBI->connect("dbi:Pg:dbname=$ENV{PGDATABASE};host=$ENV{PGHOST};port=" . ($port || $ENV{PGPORT}), $ENV{PGUSER},
        '', {RaiseError => 1, PrintError => 0, PrintWarn => 0, AutoInactiveDestroy => 1, AutoCommit => 1});
}

sub same {
    my ($found, $wanted, $what) = @_;
    my ($f, $w) = map { defined $_ ? $_ : 'NULL' } $found, $wanted;
    die(($what || '') . " wanted $w, found $f") if $f ne $w;
}

sub fails {
    my ($state, $code) = @_;
    die "no error $state" if eval { $code->(); 1 };
    same($DBI::state, $state);
}

sub value { my ($c, $sql, @values) = @_; return ($c->selectrow_array($sql, undef, @values))[0]; }

my @checks = (
    connect => sub {
        my $c = connected();
        same(int($c->{pg_server_version} / 10000), 15);
        die 'no ping' unless $c->ping;
    },
    ddl => sub {
        my $c = connected();
        $c->do("DROP TABLE IF EXISTS perl_$_") for qw(t u);
        $c->do('CREATE TABLE perl_t (id int PRIMARY KEY, b bool, i8 int8, n numeric(12,3), f8 float8, t text,
            c char(5), y bytea, u uuid, d date, tz timestamptz, iv interval)');
        $c->do('CREATE TABLE perl_u (id int PRIMARY KEY, name text NOT NULL UNIQUE)');
    },
    types_and_nulls => sub {
        my $c = connected();
        my @values = (1, 1, '-9223372036854775808', '123456789.125', 0.1, $TEXT, 'ab   ', "\x00\x01\xff",
            '0123abcd-4567-89ab-cdef-0123456789ab', '2024-02-29', '2024-06-01 12:00:00.000005+00', '-3 days +00:00:04');
        for my $server (0, 1) {
            $c->{pg_server_prepare} = $server;
            $c->do('DELETE FROM perl_t');
            my $p = $c->prepare('INSERT INTO perl_t VALUES (' . join(', ', ('?') x @values) . ')');
            $p->bind_param(8, undef, {pg_type => PG_BYTEA});
            $p->execute(@values);
            $p->execute(2, (undef) x $#values);
            my $rows = $c->selectall_arrayref('SELECT * FROM perl_t ORDER BY id');
            same($rows->[0][$_], $values[$_], "column $_") for 0 .. $#values;
            same($rows->[1][$_], undef, "null $_") for 1 .. $#values;
        }
    },
    batch => sub {
        my $c = connected();
        my $p = $c->prepare('INSERT INTO perl_u VALUES (?, ?)');
        $c->begin_work;
        same($p->execute_array({}, [1 .. 300], [map { "n$_" } 1 .. 300]), 300);
        $c->commit;
        same(value($c, 'SELECT count(*) FROM perl_u'), 300);
    },
    copy => sub {
        my $c = connected();
        $c->do('COPY perl_u FROM STDIN');
        $c->pg_putcopydata("900\tcopied\n901\tä\n");
        $c->pg_putcopyend;
        $c->do('COPY (SELECT * FROM perl_u WHERE id >= 900 ORDER BY id) TO STDOUT');
        my ($out, $line) = ('', '');
        $out .= $line while $c->pg_getcopydata($line) >= 0;
        same($out, "900\tcopied\n901\tä\n");
    },
    cursors => sub {
        my $c = connected();
        $c->begin_work;
        $c->do('DECLARE perl_c SCROLL CURSOR FOR SELECT i FROM generate_series(1, 250) i');
        my $total = 0;
        while (my $rows = $c->selectcol_arrayref('FETCH 100 FROM perl_c')) {
            last unless @$rows;
            $total += $_ for @$rows;
        }
        same($total, 250 * 251 / 2);
        same(value($c, 'FETCH PRIOR FROM perl_c'), 250);
        fails('34000', sub { $c->do('CLOSE gone') });
        $c->rollback;
    },
    transactions => sub {
        my ($c, $d) = (connected(), connected());
        $c->do('DELETE FROM perl_u');
        $c->begin_work;
        $c->do("INSERT INTO perl_u VALUES (1, 'one')");
        $c->pg_savepoint('s');
        fails('23505', sub { $c->do("INSERT INTO perl_u VALUES (1, 'again')") });
        fails('25P02', sub { $c->do('SELECT 1') });
        $c->pg_rollback_to('s');
        same(value($d, 'SELECT count(*) FROM perl_u'), 0);
        $c->commit;
        $c->begin_work;
        $c->do('DELETE FROM perl_u');
        $c->rollback;
        same(value($d, 'SELECT name FROM perl_u'), 'one');
    },
    errors => sub {
        my $c = connected();
        my @wanted = (['42601', 'SELEC 1'], ['42703', 'SELECT nope FROM perl_u'], ['42P01', 'SELECT * FROM nope'],
            ['22012', 'SELECT 1/0'], ['22P02', "SELECT 'x'::int"], ['23502', 'INSERT INTO perl_u VALUES (9, NULL)']);
        for my $w (@wanted) {
            fails($w->[0], sub { $c->do($w->[1]) });
        }
        fails('23505', sub { $c->do('INSERT INTO perl_u VALUES (?, ?)', undef, 1, 'x') });
        same($c->pg_error_field('constraint'), 'perl_u_pkey');
        same($c->pg_error_field('table'), 'perl_u');
    },
    prepared => sub {
        my $c = connected();
        my $p = $c->prepare('SELECT ?::int + 1, upper(?)');
        for my $i (1 .. 4) {
            $p->execute($i, 'x');
            same(join(',', $p->fetchrow_array), ($i + 1) . ',X');
        }
        same(join(',', @{$p->{pg_type}}), 'int4,text');
    },
    unicode => sub {
        my $c = connected();
        same(value($c, 'SELECT ?::text', $TEXT), $TEXT);
        same(value($c, 'SELECT length(?)', $TEXT), length $TEXT);
    },
    notifications => sub {
        my ($c, $d) = (connected(), connected());
        $c->do('LISTEN perl_news');
        $d->do("NOTIFY perl_news, 'x'");
        my $n;
        for (1 .. 100) {
            last if $n = $c->pg_notifies;
            select(undef, undef, undef, 0.1);
        }
        same("$n->[0] $n->[2]", 'perl_news x');
    },
    large => sub {
        my $c = connected($ENV{LARGE_PORT});
        my $value = "ab\x00\xff" x ($LARGE / 4);
        $c->do('DROP TABLE IF EXISTS perl_large');
        $c->do('CREATE TABLE perl_large (y bytea)');
        my $p = $c->prepare('INSERT INTO perl_large VALUES (?)');
        $p->bind_param(1, $value, {pg_type => PG_BYTEA});
        $p->execute;
        die 'differs' unless value($c, 'SELECT y FROM perl_large') eq $value;
        $c->do('DROP TABLE perl_large');
    },
    cancel => sub {
        my $c = connected();
        my $p = $c->prepare($SLOW, {pg_async => PG_ASYNC});
        $p->execute;
        select(undef, undef, undef, 0.3);
        $c->pg_cancel;
        same(value($c, 'SELECT 1'), 1);
        $c->do('SET statement_timeout = 200');
        fails('57014', sub { $c->do($SLOW) });
    },
);

my $failed = 0;
while (my ($name, $check) = splice(@checks, 0, 2)) {
    if (eval { $check->(); 1 }) {
        print "ok $name\n";
    } else {
        $failed = 1;
        print "FAILED $name: $@\n";
    }
}
exit $failed;
