# Ruby's pg.
require 'date'
require 'pg'

TEXT = "ünï¢ödé 漢字 🐘 'quoted' \"twice\" back\\slash %s $1 ?\ttab\nline"
SLOW = 'SELECT count(*) FROM generate_series(1, 10000000000)'
LARGE = 100 * 1024 * 1024

RESULTS = PG::TypeMapByOid.new
{ 16 => PG::TextDecoder::Boolean, 17 => PG::TextDecoder::Bytea, 20 => PG::TextDecoder::Integer,
  23 => PG::TextDecoder::Integer, 25 => PG::TextDecoder::String, 701 => PG::TextDecoder::Float,
  1082 => PG::TextDecoder::Date }.each { |oid, decoder| RESULTS.add_coder(decoder.new(oid: oid)) }

def connected(port = ENV['PGPORT'])
  c = PG.connect(host: ENV['PGHOST'], port: port, user: ENV['PGUSER'], dbname: ENV['PGDATABASE'])
  c.type_map_for_results = RESULTS
  yield c
ensure
  c&.close
end

def same(found, wanted)
  raise "wanted #{wanted.inspect}, found #{found.inspect}" if found != wanted
end

def fails(error)
  yield
  raise "no #{error}"
rescue error => e
  e
end

CHECKS = {
  connect: -> { connected { |c| same(c.server_version / 10_000, 15) } },
  ddl: lambda {
    connected do |c|
      c.exec('SET client_min_messages = warning; DROP TABLE IF EXISTS ruby_t; DROP TABLE IF EXISTS ruby_u')
      c.exec('CREATE TABLE ruby_t (id int PRIMARY KEY, b bool, i8 int8, f8 float8, t text, y bytea, d date)')
      c.exec('CREATE TABLE ruby_u (id int PRIMARY KEY, name text NOT NULL UNIQUE)')
    end
  },
  types_and_nulls: lambda {
    connected do |c|
      row = [1, true, -9_223_372_036_854_775_808, 0.1, TEXT, "\x00\x01\xff".b, Date.new(2024, 2, 29)]
      insert = 'INSERT INTO ruby_t VALUES ($1, $2, $3, $4, $5, $6, $7)'
      c.exec_params(insert, row.map { |v| v.equal?(row[5]) ? { value: v, format: 1 } : v.to_s })
      c.exec_params(insert, [2] + [nil] * 6)
      same(c.exec('SELECT * FROM ruby_t ORDER BY id').values, [row, [2] + [nil] * 6])
    end
  },
  batch: lambda {
    connected do |c|
      c.transaction { 200.times { |i| c.exec_params('INSERT INTO ruby_u VALUES ($1, $2)', [i, "n#{i}"]) } }
      c.enter_pipeline_mode
      20.times { |i| c.send_query_params('UPDATE ruby_u SET name = $1 WHERE id = $2', ["o#{i}", i]) }
      c.pipeline_sync
      done = 0
      while (r = c.get_result || c.get_result)
        break if r.result_status == PG::PGRES_PIPELINE_SYNC
        done += r.cmd_tuples
      end
      c.exit_pipeline_mode
      same(done, 20)
    end
  },
  copy: lambda {
    connected do |c|
      c.copy_data('COPY ruby_u FROM STDIN') { c.put_copy_data("900\tcopied\n901\tä\n") }
      out = +''
      c.copy_data('COPY (SELECT * FROM ruby_u WHERE id >= 900 ORDER BY id) TO STDOUT') do
        while (line = c.get_copy_data)
          out << line
        end
      end
      same(out.force_encoding('UTF-8'), "900\tcopied\n901\tä\n")
    end
  },
  cursors: lambda {
    connected do |c|
      c.transaction do
        c.exec('DECLARE ruby_c SCROLL CURSOR FOR SELECT i FROM generate_series(1, 250) i')
        total = 0
        while (rows = c.exec('FETCH 100 FROM ruby_c')).ntuples.positive?
          total += rows.column_values(0).sum
        end
        same(total, 250 * 251 / 2)
        same(c.exec('FETCH ABSOLUTE -1 FROM ruby_c').getvalue(0, 0), 250)
      end
      c.send_query('SELECT i FROM generate_series(1, 50) i')
      c.set_single_row_mode
      same(c.get_result.stream_each.sum { |r| r['i'] }, 50 * 51 / 2)
      fails(PG::InvalidCursorName) { c.exec('FETCH gone') }
    end
  },
  transactions: lambda {
    connected do |c|
      connected do |d|
        c.exec('DELETE FROM ruby_u')
        c.exec("BEGIN; INSERT INTO ruby_u VALUES (1, 'one'); SAVEPOINT s")
        fails(PG::UniqueViolation) { c.exec("INSERT INTO ruby_u VALUES (1, 'again')") }
        fails(PG::InFailedSqlTransaction) { c.exec('SELECT 1') }
        c.exec('ROLLBACK TO s')
        same(d.exec('SELECT * FROM ruby_u').ntuples, 0)
        c.exec('COMMIT')
        fails(RuntimeError) { c.transaction { c.exec('DELETE FROM ruby_u') && raise('changed my mind') } }
        same(d.exec('SELECT * FROM ruby_u').values, [[1, 'one']])
      end
    end
  },
  errors: lambda {
    connected do |c|
      { 'SELEC 1' => PG::SyntaxError, 'SELECT nope' => PG::UndefinedColumn, 'SELECT * FROM nope' => PG::UndefinedTable,
        'SELECT 1/0' => PG::DivisionByZero, "SELECT 'x'::int" => PG::InvalidTextRepresentation,
        'INSERT INTO ruby_u VALUES (9, NULL)' => PG::NotNullViolation }.each { |sql, e| fails(e) { c.exec(sql) } }
      e = fails(PG::UniqueViolation) { c.exec_params('INSERT INTO ruby_u VALUES ($1, $2)', [1, 'x']) }
      same(e.result.error_field(PG::PG_DIAG_CONSTRAINT_NAME), 'ruby_u_pkey')
    end
  },
  prepared: lambda {
    connected do |c|
      c.prepare('p', 'SELECT $1::int + 1, upper($2)')
      4.times { |i| same(c.exec_prepared('p', [i, 'x']).values, [[i + 1, 'X']]) }
      same(c.describe_prepared('p').nparams, 2)
    end
  },
  unicode: lambda {
    connected { |c| same(c.exec_params('SELECT $1::text, length($1)', [TEXT]).values, [[TEXT, TEXT.length]]) }
  },
  notifications: lambda {
    connected do |c|
      connected do |d|
        c.exec('LISTEN ruby_news')
        d.exec("NOTIFY ruby_news, 'ä'")
        same(c.wait_for_notify(10) { |channel, _, payload| same([channel, payload], %w[ruby_news ä]) }, 'ruby_news')
      end
    end
  },
  large: lambda {
    connected(ENV['LARGE_PORT']) do |c|
      value = "ab\x00\xff".b * (LARGE / 4)
      c.exec('SET client_min_messages = warning; DROP TABLE IF EXISTS ruby_large')
      c.exec('CREATE TABLE ruby_large (y bytea)')
      c.exec_params('INSERT INTO ruby_large VALUES ($1)', [{ value: value, format: 1 }])
      found = c.exec_params('SELECT y FROM ruby_large', [], 1).getvalue(0, 0)
      raise 'differs' if found != value
      c.exec('DROP TABLE ruby_large')
    end
  },
  cancel: lambda {
    connected do |c|
      c.send_query(SLOW)
      sleep 0.3
      c.cancel
      fails(PG::QueryCanceled) { c.get_last_result }
      c.exec('SET statement_timeout = 200')
      fails(PG::QueryCanceled) { c.exec(SLOW) }
      same(c.exec('SELECT 1').getvalue(0, 0), 1)
    end
  }
}.freeze

failed = false
CHECKS.each do |name, check|
  check.call
  puts "ok #{name}"
rescue StandardError => e
  failed = true
  puts "FAILED #{name}: #{e.full_message(highlight: false)}"
end
exit !failed
