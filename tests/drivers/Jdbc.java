/* JDBC, PostgreSQL's own driver. */
import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.math.BigDecimal;
import java.sql.*;
import java.time.*;
import java.util.*;

public class Jdbc {
    static final String HOST = System.getenv("PGHOST"), PORT = System.getenv("PGPORT");
    static final String TEXT = "ünï¢ödé 漢字 🐘 'quoted' \"twice\" back\\slash %s $1 ?\ttab\nline";
    static final String SLOW = "SELECT count(*) FROM generate_series(1, 10000000000)";

    interface Check { void run() throws Exception; }

    static Connection connect(String port, String options) throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://" + HOST + ":" + port + "/"
            + System.getenv("PGDATABASE") + "?user=" + System.getenv("PGUSER") + options);
    }

    static Connection connect() throws SQLException { return connect(PORT, ""); }

    static void same(Object wanted, Object found) {
        if (!Objects.deepEquals(wanted, found))
            throw new AssertionError("wanted " + wanted + ", found " + found);
    }

    static SQLException fails(String state, Check c) throws Exception {
        try {
            c.run();
        } catch (SQLException e) {
            same(state, e.getSQLState());
            return e;
        }
        throw new AssertionError("no error " + state);
    }

    static long one(Connection c, String sql) throws SQLException {
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(sql)) {
            r.next();
            return r.getLong(1);
        }
    }

    static void execute(Connection c, String... texts) throws SQLException {
        try (Statement s = c.createStatement()) {
            for (String text : texts)
                s.execute(text);
        }
    }

    static void checkConnect() throws Exception {
        try (Connection c = connect()) {
            DatabaseMetaData m = c.getMetaData();
            same(15, m.getDatabaseMajorVersion());
            same("PostgreSQL", m.getDatabaseProductName());
            same(true, c.isValid(5));
            same(Connection.TRANSACTION_READ_COMMITTED, c.getTransactionIsolation());
            c.setClientInfo("ApplicationName", "drivers");
            same(1L, one(c, "SELECT 1"));
        }
    }

    static void checkDdl() throws Exception {
        try (Connection c = connect()) {
            execute(c, "DROP TABLE IF EXISTS jdbc_t", "DROP TABLE IF EXISTS jdbc_u",
                "CREATE TABLE jdbc_t (id int PRIMARY KEY, b bool, i2 int2, i8 int8, n numeric(12,3), f4 float4, "
                + "f8 float8, t text, c char(5), y bytea, u uuid, d date, ti time, ts timestamp, tz timestamptz)",
                "CREATE TABLE jdbc_u (id int PRIMARY KEY, name text NOT NULL UNIQUE)");
        }
    }

    static void checkTypesAndNulls() throws Exception {
        UUID uuid = UUID.fromString("0123abcd-4567-89ab-cdef-0123456789ab");
        Object[] values = {true, (short) -32768, Long.MIN_VALUE, new BigDecimal("123456789.125"), 1.5f, 0.1, TEXT,
            "ab   ", new byte[] {0, 1, -1}, uuid, LocalDate.of(2024, 2, 29), LocalTime.of(23, 59, 58),
            LocalDateTime.of(1999, 12, 31, 23, 59, 59, 999999000),
            OffsetDateTime.of(2024, 6, 1, 12, 0, 0, 5000, ZoneOffset.UTC)};
        Class<?>[] classes = {Boolean.class, Short.class, Long.class, BigDecimal.class, Float.class, Double.class,
            String.class, String.class, byte[].class, UUID.class, LocalDate.class, LocalTime.class,
            LocalDateTime.class, OffsetDateTime.class};
        for (String options : new String[] {"", "&prepareThreshold=-1&binaryTransfer=true"})
            try (Connection c = connect(PORT, options)) {
                execute(c, "DELETE FROM jdbc_t");
                String marks = "?" + ", ?".repeat(values.length);
                try (PreparedStatement p = c.prepareStatement("INSERT INTO jdbc_t VALUES (" + marks + ")")) {
                    for (int id = 1; id <= 2; id++) {
                        p.setInt(1, id);
                        for (int i = 0; i < values.length; i++)
                            if (id == 1 && values[i] instanceof byte[])
                                p.setBytes(i + 2, (byte[]) values[i]);
                            else
                                p.setObject(i + 2, id == 1 ? values[i] : null);
                        same(1, p.executeUpdate());
                    }
                }
                for (int round = 0; round < 7; round++)
                    try (PreparedStatement p = c.prepareStatement("SELECT * FROM jdbc_t WHERE id = ?")) {
                        p.setInt(1, 1 + round % 2);
                        ResultSet r = p.executeQuery();
                        same(true, r.next());
                        for (int i = 0; i < values.length; i++) {
                            Object found = classes[i] == byte[].class ? r.getBytes(i + 2)
                                : classes[i] == Short.class ? (Object) r.getShort(i + 2)
                                : r.getObject(i + 2, classes[i]);
                            if (round % 2 == 0)
                                same(values[i], found);
                            else
                                same(true, r.wasNull() || found == null);
                        }
                    }
            }
    }

    static void checkBatch() throws Exception {
        for (String options : new String[] {"", "&reWriteBatchedInserts=true"})
            try (Connection c = connect(PORT, options)) {
                execute(c, "DELETE FROM jdbc_u");
                c.setAutoCommit(false);
                try (PreparedStatement p = c.prepareStatement("INSERT INTO jdbc_u VALUES (?, ?)")) {
                    for (int i = 0; i < 1000; i++) {
                        p.setInt(1, i);
                        p.setString(2, "name " + i);
                        p.addBatch();
                    }
                    same(1000, p.executeBatch().length);
                }
                c.commit();
                same(1000L, one(c, "SELECT count(*) FROM jdbc_u"));
                try (PreparedStatement p = c.prepareStatement("INSERT INTO jdbc_u VALUES (?, ?)")) {
                    for (int i : new int[] {2000, 1, 2001}) {
                        p.setInt(1, i);
                        p.setString(2, "twice " + i);
                        p.addBatch();
                    }
                    fails("23505", p::executeBatch);
                }
                c.rollback();
                same(1000L, one(c, "SELECT count(*) FROM jdbc_u"));
                c.rollback();
            }
    }

    static void checkCopy() throws Exception {
        try (Connection c = connect()) {
            org.postgresql.copy.CopyManager m = c.unwrap(org.postgresql.PGConnection.class).getCopyAPI();
            same(2L, m.copyIn("COPY jdbc_u FROM STDIN", new StringReader("7000\tcopied\n7001\tä\n")));
            java.io.StringWriter w = new java.io.StringWriter();
            same(2L, m.copyOut("COPY (SELECT * FROM jdbc_u WHERE id >= 7000 ORDER BY id) TO STDOUT CSV", w));
            same("7000,copied\n7001,ä\n", w.toString());
        }
    }

    static void checkCursors() throws Exception {
        try (Connection c = connect()) {
            c.setAutoCommit(false);
            try (Statement a = c.createStatement(); Statement b = c.createStatement()) {
                a.setFetchSize(7);
                b.setFetchSize(11);
                ResultSet x = a.executeQuery("SELECT i FROM generate_series(1, 100) i");
                ResultSet y = b.executeQuery("SELECT -i FROM generate_series(1, 100) i");
                for (int i = 1; i <= 100; i++) { /* two portals, interleaved */
                    same(true, x.next() && y.next());
                    same(i, x.getInt(1));
                    same(-i, y.getInt(1));
                }
                same(false, x.next() || y.next());
            }
            try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)) {
                ResultSet r = s.executeQuery("SELECT i FROM generate_series(1, 30) i");
                same(true, r.last() && r.getInt(1) == 30 && r.absolute(4) && r.previous() && r.getInt(1) == 3);
            }
            try (Statement s = c.createStatement()) {
                s.setMaxRows(5);
                ResultSet r = s.executeQuery("SELECT i FROM generate_series(1, 1000) i");
                int n = 0;
                while (r.next())
                    n++;
                same(5, n);
            }
            execute(c, "DECLARE jdbc_c SCROLL CURSOR FOR SELECT i FROM generate_series(1, 9) i");
            same(9L, one(c, "FETCH LAST FROM jdbc_c"));
            same(8L, one(c, "FETCH PRIOR FROM jdbc_c"));
            execute(c, "CLOSE jdbc_c");
            fails("34000", () -> one(c, "FETCH jdbc_c"));
            c.rollback();
        }
    }

    static void checkTransactions() throws Exception {
        try (Connection c = connect(); Connection d = connect()) {
            execute(c, "DELETE FROM jdbc_u");
            c.setAutoCommit(false);
            execute(c, "INSERT INTO jdbc_u VALUES (1, 'one')");
            Savepoint s = c.setSavepoint();
            fails("23505", () -> execute(c, "INSERT INTO jdbc_u VALUES (1, 'again')"));
            fails("25P02", () -> execute(c, "SELECT 1"));
            c.rollback(s);
            execute(c, "INSERT INTO jdbc_u VALUES (2, 'two')");
            same(0L, one(d, "SELECT count(*) FROM jdbc_u"));
            c.commit();
            execute(c, "DELETE FROM jdbc_u");
            c.rollback();
            same(2L, one(d, "SELECT count(*) FROM jdbc_u"));
            c.setReadOnly(true);
            fails("25006", () -> execute(c, "DELETE FROM jdbc_u"));
            c.rollback();
        }
    }

    static void checkErrors() throws Exception {
        try (Connection c = connect()) {
            String[][] wanted = {{"42601", "SELEC 1"}, {"42703", "SELECT nope FROM jdbc_u"},
                {"42P01", "SELECT * FROM nope"}, {"22012", "SELECT 1/0"}, {"22P02", "SELECT 'x'::int"},
                {"22003", "SELECT 300000::int2"}, {"23502", "INSERT INTO jdbc_u VALUES (9, NULL)"}};
            for (String[] w : wanted)
                fails(w[0], () -> execute(c, w[1]));
            org.postgresql.util.ServerErrorMessage m = ((org.postgresql.util.PSQLException) fails("23505",
                () -> execute(c, "INSERT INTO jdbc_u VALUES (1, 'x')"))).getServerErrorMessage();
            same("public jdbc_u jdbc_u_pkey", m.getSchema() + " " + m.getTable() + " " + m.getConstraint());
        }
    }

    static void checkPrepared() throws Exception {
        try (Connection c = connect(PORT, "&prepareThreshold=1");
             PreparedStatement p = c.prepareStatement("SELECT ?::int + 1, upper(?)")) {
            same(2, p.getParameterMetaData().getParameterCount());
            same("int4", p.getMetaData().getColumnTypeName(1));
            for (int i = 0; i < 10; i++) {
                p.setInt(1, i);
                p.setString(2, "x");
                ResultSet r = p.executeQuery();
                same(true, r.next());
                same((i + 1) + "X", r.getInt(1) + r.getString(2));
            }
        }
    }

    static void checkUnicode() throws Exception {
        try (Connection c = connect(); PreparedStatement p = c.prepareStatement("SELECT ?::text, length(?)")) {
            p.setString(1, TEXT);
            p.setString(2, TEXT);
            ResultSet r = p.executeQuery();
            r.next();
            same(TEXT, r.getString(1));
            same(TEXT.codePointCount(0, TEXT.length()), r.getInt(2));
        }
    }

    static void checkLarge() throws Exception {
        byte[] value = new byte[100 * 1024 * 1024];
        new Random(1).nextBytes(value);
        try (Connection c = connect(System.getenv("LARGE_PORT"), "")) {
            execute(c, "DROP TABLE IF EXISTS jdbc_large", "CREATE TABLE jdbc_large (y bytea)");
            try (PreparedStatement p = c.prepareStatement("INSERT INTO jdbc_large VALUES (?)")) {
                p.setBinaryStream(1, new ByteArrayInputStream(value), value.length);
                p.executeUpdate();
            }
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT y FROM jdbc_large")) {
                r.next();
                same(true, Arrays.equals(value, r.getBytes(1)));
            }
            execute(c, "DROP TABLE jdbc_large");
        }
    }

    static void checkCancel() throws Exception {
        try (Connection c = connect(); Statement s = c.createStatement()) {
            Thread t = new Thread(() -> {
                try {
                    Thread.sleep(300);
                    s.cancel();
                } catch (Exception e) {
                    e.printStackTrace();
                }
            });
            t.start();
            fails("57014", () -> s.executeQuery(SLOW));
            t.join();
            s.setQueryTimeout(1);
            fails("57014", () -> s.executeQuery(SLOW));
            same(1L, one(c, "SELECT 1"));
        }
    }

    public static void main(String[] args) {
        Map<String, Check> checks = new LinkedHashMap<>();
        checks.put("connect", Jdbc::checkConnect);
        checks.put("ddl", Jdbc::checkDdl);
        checks.put("types_and_nulls", Jdbc::checkTypesAndNulls);
        checks.put("batch", Jdbc::checkBatch);
        checks.put("copy", Jdbc::checkCopy);
        checks.put("cursors", Jdbc::checkCursors);
        checks.put("transactions", Jdbc::checkTransactions);
        checks.put("errors", Jdbc::checkErrors);
        checks.put("prepared", Jdbc::checkPrepared);
        checks.put("unicode", Jdbc::checkUnicode);
        checks.put("large", Jdbc::checkLarge);
        checks.put("cancel", Jdbc::checkCancel);
        boolean failed = false;
        for (Map.Entry<String, Check> e : checks.entrySet())
            try {
                e.getValue().run();
                System.out.println("ok " + e.getKey());
            } catch (Throwable t) {
                failed = true;
                System.out.println("FAILED " + e.getKey() + ": " + t);
                t.printStackTrace(System.out);
            }
        System.exit(failed ? 1 : 0);
    }
}
