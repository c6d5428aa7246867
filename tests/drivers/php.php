<?php
// PHP: PDO, and the pgsql extension for what PDO has not.
error_reporting(E_ALL);
const TEXT = "ünï¢ödé 漢字 🐘 'quoted' \"twice\" back\\slash %s \$1 ?\ttab\nline";
const SLOW = 'SELECT count(*) FROM generate_series(1, 10000000000)';
const LARGE = 100 * 1024 * 1024;
ini_set('memory_limit', '2G');

function dsn(string $port = null): string
{
    return sprintf('host=%s port=%s dbname=%s user=%s', getenv('PGHOST'), $port ?? getenv('PGPORT'),
        getenv('PGDATABASE'), getenv('PGUSER'));
}

function connected(string $port = null): PDO
{
    return new PDO('pgsql:' . str_replace(' ', ';', dsn($port)), null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
}

function same($wanted, $found): void
{
    if ($wanted !== $found)
        throw new Exception('wanted ' . var_export($wanted, true) . ', found ' . var_export($found, true));
}

function fails(string $state, callable $f): void
{
    try {
        $f();
    } catch (PDOException $e) {
        same($state, $e->getCode());
        return;
    }
    throw new Exception("no error $state");
}

function text($value)
{
    return is_resource($value) ? stream_get_contents($value) : $value;
}

$checks = [
    'connect' => function () {
        same(1, connected()->query('SELECT 1')->fetchColumn());
        same('15', substr(connected()->getAttribute(PDO::ATTR_SERVER_VERSION), 0, 2));
    },
    'ddl' => function () {
        $c = connected();
        foreach (['t', 'u'] as $t)
            $c->exec("DROP TABLE IF EXISTS php_$t");
        $c->exec('CREATE TABLE php_t (id int PRIMARY KEY, b bool, i8 int8, n numeric(12,3), f8 float8, t text,
            c char(5), y bytea, u uuid, tz timestamptz)');
        $c->exec('CREATE TABLE php_u (id int PRIMARY KEY, name text NOT NULL UNIQUE)');
    },
    'types_and_nulls' => function () {
        $row = [1, true, PHP_INT_MIN, '123456789.125', '0.1', TEXT, 'ab   ', "\x00\x01\xff",
            '0123abcd-4567-89ab-cdef-0123456789ab', '2024-06-01 12:00:00.000005+00'];
        foreach ([false, true] as $emulate) {
            $c = connected();
            $c->exec('DELETE FROM php_t');
            $c->setAttribute(PDO::ATTR_EMULATE_PREPARES, $emulate);
            $p = $c->prepare('INSERT INTO php_t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
            foreach ($row as $i => $v)
                $p->bindValue($i + 1, $v, is_bool($v) ? PDO::PARAM_BOOL : (is_int($v) ? PDO::PARAM_INT
                    : ($i == 7 ? PDO::PARAM_LOB : PDO::PARAM_STR)));
            $p->execute();
            $p->execute([2, null, null, null, null, null, null, null, null, null]);
            $found = $c->query('SELECT * FROM php_t ORDER BY id')->fetchAll(PDO::FETCH_NUM);
            same($row, array_map('text', $found[0]));
            same([2, ...array_fill(0, 9, null)], $found[1]);
        }
    },
    'batch' => function () {
        $c = connected();
        $c->beginTransaction();
        $p = $c->prepare('INSERT INTO php_u VALUES (:id, :name)');
        for ($i = 0; $i < 300; $i++)
            $p->execute(['id' => $i, 'name' => "n$i"]);
        $c->commit();
        same(300, $c->query('SELECT count(*) FROM php_u')->fetchColumn());
    },
    'copy' => function () {
        $c = connected();
        $c->pgsqlCopyFromArray('php_u', ["900\tcopied", "901\tä"]);
        same(302, count($c->pgsqlCopyToArray('php_u')));
    },
    'cursors' => function () {
        $c = connected();
        $c->beginTransaction();
        $p = $c->prepare('SELECT i FROM generate_series(1, 50) i', [PDO::ATTR_CURSOR => PDO::CURSOR_SCROLL]);
        $p->execute();
        same(1, $p->fetch(PDO::FETCH_NUM)[0]);
        same(50, $p->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_LAST)[0]);
        same(49, $p->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_PRIOR)[0]);
        same(7, $p->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_ABS, 7)[0]);
        $c->exec('DECLARE php_c CURSOR FOR SELECT i FROM generate_series(1, 9) i');
        same([1, 2, 3], $c->query('FETCH 3 FROM php_c')->fetchAll(PDO::FETCH_COLUMN));
        fails('34000', fn() => $c->exec('CLOSE gone'));
        $c->rollBack();
    },
    'transactions' => function () {
        [$c, $d] = [connected(), connected()];
        $c->exec('DELETE FROM php_u');
        $c->beginTransaction();
        $c->exec("INSERT INTO php_u VALUES (1, 'one')");
        $c->exec('SAVEPOINT s');
        fails('23505', fn() => $c->exec("INSERT INTO php_u VALUES (1, 'again')"));
        fails('25P02', fn() => $c->exec('SELECT 1'));
        $c->exec('ROLLBACK TO s');
        same(0, $d->query('SELECT count(*) FROM php_u')->fetchColumn());
        $c->commit();
        $c->beginTransaction();
        $c->exec('DELETE FROM php_u');
        $c->rollBack();
        same('one', $d->query('SELECT name FROM php_u')->fetchColumn());
    },
    'errors' => function () {
        $c = connected();
        foreach (['42601' => 'SELEC 1', '42703' => 'SELECT nope FROM php_u', '42P01' => 'SELECT * FROM nope',
            '22012' => 'SELECT 1/0', '22P02' => "SELECT 'x'::int", '23502' => 'INSERT INTO php_u VALUES (9, NULL)',
            '23505' => "INSERT INTO php_u VALUES (1, 'x')"] as $state => $sql)
            fails((string)$state, fn() => $c->query($sql));
        $p = pg_connect(dsn());
        pg_send_query($p, "INSERT INTO php_u VALUES (1, 'x')");
        $r = pg_get_result($p);
        same('php_u_pkey', pg_result_error_field($r, PGSQL_DIAG_CONSTRAINT_NAME));
        same('php_u', pg_result_error_field($r, PGSQL_DIAG_TABLE_NAME));
    },
    'prepared' => function () {
        $c = connected();
        $p = $c->prepare('SELECT ?::int + 1, upper(?)');
        for ($i = 0; $i < 4; $i++) {
            $p->execute([$i, 'x']);
            same([$i + 1, 'X'], $p->fetch(PDO::FETCH_NUM));
        }
        $p = pg_connect(dsn());
        pg_prepare($p, 'p', 'SELECT $1::int + 1');
        same('5', pg_fetch_result(pg_execute($p, 'p', [4]), 0, 0));
    },
    'unicode' => function () {
        $p = connected()->prepare('SELECT ?::text, length(?)');
        $p->execute([TEXT, TEXT]);
        same([TEXT, iconv_strlen(TEXT, 'UTF-8')], $p->fetch(PDO::FETCH_NUM));
    },
    'notifications' => function () {
        [$c, $d] = [connected(), connected()];
        $c->exec('LISTEN php_news');
        $d->exec("NOTIFY php_news, 'ä'");
        $n = $c->pgsqlGetNotify(PDO::FETCH_ASSOC, 10000);
        same(['php_news', 'ä'], [$n['message'], $n['payload']]);
    },
    'large' => function () {
        $c = connected(getenv('LARGE_PORT'));
        $value = str_repeat("ab\x00\xff", LARGE / 4);
        $c->exec('DROP TABLE IF EXISTS php_large');
        $c->exec('CREATE TABLE php_large (y bytea)');
        $p = $c->prepare('INSERT INTO php_large VALUES (?)');
        $p->bindParam(1, $value, PDO::PARAM_LOB);
        $p->execute();
        if (text($c->query('SELECT y FROM php_large')->fetchColumn()) !== $value)
            throw new Exception('differs');
        $c->exec('DROP TABLE php_large');
    },
    'cancel' => function () {
        $p = pg_connect(dsn());
        pg_send_query($p, SLOW);
        usleep(300000);
        pg_cancel_query($p);
        same('1', pg_fetch_result(pg_query($p, 'SELECT 1'), 0, 0));
        $c = connected();
        $c->exec('SET statement_timeout = 200');
        fails('57014', fn() => $c->query(SLOW));
    },
];

$failed = false;
foreach ($checks as $name => $check) {
    try {
        $check();
        echo "ok $name\n";
    } catch (Throwable $e) {
        $failed = true;
        echo "FAILED $name: $e\n";
    }
}
exit($failed ? 1 : 0);
