// Go: lib/pq beneath database/sql.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/lib/pq"
)

const (
	text  = "ünï¢ödé 漢字 🐘 'quoted' \"twice\" back\\slash %s $1 ?\ttab\nline"
	slow  = "SELECT count(*) FROM generate_series(1, 10000000000)"
	large = 100 * 1024 * 1024
)

func dsn(port string) string {
	return fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable", os.Getenv("PGHOST"), port, os.Getenv("PGUSER"),
		os.Getenv("PGDATABASE"))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func connected(port string) *sql.DB {
	db, err := sql.Open("postgres", dsn(port))
	must(err)
	return db
}

func same(wanted, found interface{}) {
	if !reflect.DeepEqual(wanted, found) {
		panic(fmt.Sprintf("wanted %#v, found %#v", wanted, found))
	}
}

type runner interface {
	Exec(query string, args ...interface{}) (sql.Result, error)
	QueryRow(query string, args ...interface{}) *sql.Row
}

func do(r runner, query string, args ...interface{}) {
	_, err := r.Exec(query, args...)
	must(err)
}

func one(r runner, query string, args ...interface{}) (n int64) {
	must(r.QueryRow(query, args...).Scan(&n))
	return
}

func fails(code string, err error) *pq.Error {
	var e *pq.Error
	if !errors.As(err, &e) {
		panic(fmt.Sprintf("no error %s: %v", code, err))
	}
	same(code, string(e.Code))
	return e
}

var db *sql.DB

func ddl() {
	for _, t := range []string{"go_t", "go_u"} {
		do(db, "DROP TABLE IF EXISTS "+t)
	}
	do(db, "CREATE TABLE go_t (id int PRIMARY KEY, b bool, i8 int8, n numeric(12,3), f8 float8, t text, y bytea, u uuid, tz timestamptz)")
	do(db, "CREATE TABLE go_u (id int PRIMARY KEY, name text NOT NULL UNIQUE)")
}

func types() {
	when := time.Date(2024, 6, 1, 12, 0, 0, 5000, time.UTC)
	for _, option := range []string{"", " binary_parameters=yes"} {
		db, err := sql.Open("postgres", dsn(os.Getenv("PGPORT"))+option)
		must(err)
		do(db, "DELETE FROM go_t")
		insert := "INSERT INTO go_t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
		do(db, insert, 1, true, int64(-1<<63), "123456789.125", 0.1, text, []byte{0, 1, 255}, "0123abcd-4567-89ab-cdef-0123456789ab", when)
		do(db, insert, 2, nil, nil, nil, nil, nil, nil, nil, nil)
		rows, err := db.Query("SELECT * FROM go_t ORDER BY id")
		must(err)
		for rows.Next() {
			var id int
			var b sql.NullBool
			var i8 sql.NullInt64
			var n, t, u sql.NullString
			var f8 sql.NullFloat64
			var y []byte
			var tz sql.NullTime
			must(rows.Scan(&id, &b, &i8, &n, &f8, &t, &y, &u, &tz))
			all := []interface{}{b.Valid, i8.Valid, n.Valid, f8.Valid, t.Valid, y != nil, u.Valid, tz.Valid}
			for _, v := range all {
				same(id == 1, v)
			}
			if id == 1 {
				same(true, b.Bool && i8.Int64 == -1<<63 && n.String == "123456789.125" && f8.Float64 == 0.1 && t.String == text &&
					bytes.Equal(y, []byte{0, 1, 255}) && u.String == "0123abcd-4567-89ab-cdef-0123456789ab" && tz.Time.Equal(when))
			}
		}
		must(rows.Err())
		must(db.Close())
	}
}

func batch() {
	tx, err := db.Begin()
	must(err)
	p, err := tx.Prepare("INSERT INTO go_u VALUES ($1, $2)")
	must(err)
	for i := 0; i < 300; i++ {
		_, err = p.Exec(i, fmt.Sprint("n", i))
		must(err)
	}
	must(tx.Commit())
	same(int64(300), one(db, "SELECT count(*) FROM go_u"))
}

func copyIn() {
	tx, err := db.Begin()
	must(err)
	p, err := tx.Prepare(pq.CopyIn("go_u", "id", "name"))
	must(err)
	for i := 0; i < 200; i++ {
		_, err = p.Exec(1000+i, fmt.Sprint("ä\t", i))
		must(err)
	}
	_, err = p.Exec()
	must(err)
	must(p.Close())
	must(tx.Commit())
	same(int64(200), one(db, "SELECT count(*) FROM go_u WHERE name LIKE 'ä%'"))
}

func cursors() {
	tx, err := db.Begin()
	must(err)
	do(tx, "DECLARE go_c SCROLL CURSOR FOR SELECT i FROM generate_series(1, 250) i")
	total, more := 0, true
	for more {
		more = false
		rows, err := tx.Query("FETCH 100 FROM go_c")
		must(err)
		for rows.Next() {
			var i int
			must(rows.Scan(&i))
			total += i
			more = true
		}
		must(rows.Err())
	}
	same(250*251/2, total)
	same(int64(249), one(tx, "FETCH ABSOLUTE -2 FROM go_c"))
	_, err = tx.Exec("CLOSE gone")
	fails("34000", err)
	must(tx.Rollback())
}

func transactions() {
	do(db, "DELETE FROM go_u")
	tx, err := db.Begin()
	must(err)
	do(tx, "INSERT INTO go_u VALUES (1, 'one')")
	do(tx, "SAVEPOINT s")
	_, err = tx.Exec("INSERT INTO go_u VALUES (1, 'again')")
	fails("23505", err)
	_, err = tx.Exec("SELECT 1")
	fails("25P02", err)
	do(tx, "ROLLBACK TO s")
	same(int64(0), one(db, "SELECT count(*) FROM go_u"))
	must(tx.Commit())
	tx, err = db.Begin()
	must(err)
	do(tx, "DELETE FROM go_u")
	must(tx.Rollback())
	same(int64(1), one(db, "SELECT count(*) FROM go_u"))
	tx, err = db.BeginTx(context.Background(), &sql.TxOptions{ReadOnly: true})
	must(err)
	_, err = tx.Exec("DELETE FROM go_u")
	fails("25006", err)
	must(tx.Rollback())
}

func errorCodes() {
	for code, query := range map[string]string{"42601": "SELEC 1", "42703": "SELECT nope FROM go_u", "42P01": "SELECT * FROM nope",
		"22012": "SELECT 1/0", "22P02": "SELECT 'x'::int", "23502": "INSERT INTO go_u VALUES (9, NULL)"} {
		_, err := db.Exec(query)
		fails(code, err)
	}
	_, err := db.Exec("INSERT INTO go_u VALUES ($1, 'x')", 1)
	e := fails("23505", err)
	same("public go_u go_u_pkey", e.Schema+" "+e.Table+" "+e.Constraint)
}

func prepared() {
	p, err := db.Prepare("SELECT $1::int + 1, upper($2)")
	must(err)
	for i := 0; i < 4; i++ {
		var n int
		var s string
		must(p.QueryRow(i, "x").Scan(&n, &s))
		same(i+1, n)
		same("X", s)
	}
	must(p.Close())
}

func unicode() {
	var s string
	var n int
	must(db.QueryRow("SELECT $1::text, length($1)", text).Scan(&s, &n))
	same(text, s)
	same(len([]rune(text)), n)
}

func notifications() {
	l := pq.NewListener(dsn(os.Getenv("PGPORT")), time.Second, time.Minute, nil)
	must(l.Listen("go_news"))
	do(db, "SELECT pg_notify('go_news', 'ä')")
	select {
	case n := <-l.Notify:
		same("go_news ä", n.Channel+" "+n.Extra)
	case <-time.After(10 * time.Second):
		panic("nothing heard")
	}
	must(l.Close())
}

func largeValue() {
	db := connected(os.Getenv("LARGE_PORT"))
	value := bytes.Repeat([]byte("ab\x00\xff"), large/4)
	do(db, "DROP TABLE IF EXISTS go_large")
	do(db, "CREATE TABLE go_large (y bytea)")
	do(db, "INSERT INTO go_large VALUES ($1)", value)
	var found []byte
	must(db.QueryRow("SELECT y FROM go_large").Scan(&found))
	same(true, bytes.Equal(value, found))
	do(db, "DROP TABLE go_large")
	must(db.Close())
}

func cancel() {
	ctx, stop := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer stop()
	start := time.Now()
	var n int64
	if db.QueryRowContext(ctx, slow).Scan(&n) == nil || time.Since(start) > 10*time.Second {
		panic("not canceled")
	}
	same(int64(1), one(db, "SELECT 1"))
}

func main() {
	db = connected(os.Getenv("PGPORT"))
	status := 0
	for _, c := range []struct {
		name  string
		check func()
	}{{"connect", func() { must(db.Ping()) }}, {"ddl", ddl}, {"types_and_nulls", types}, {"batch", batch}, {"copy", copyIn},
		{"cursors", cursors}, {"transactions", transactions}, {"errors", errorCodes}, {"prepared", prepared}, {"unicode", unicode},
		{"notifications", notifications}, {"large", largeValue}, {"cancel", cancel}} {
		func() {
			defer func() {
				if e := recover(); e != nil {
					status = 1
					fmt.Printf("FAILED %s: %v\n", c.name, e)
				} else {
					fmt.Println("ok", c.name)
				}
			}()
			c.check()
		}()
	}
	os.Exit(status)
}
