"""SQLAlchemy: ORM, core, reflection, over psycopg2."""
import threading
import time

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.orm import Session, declarative_base, relationship

from checks import DATABASE, HOST, LARGE, LARGE_PORT, PORT, TEXT, USER, VALUES, check, raises, run


def setup(port=PORT):
    return sa.create_engine(f"postgresql+psycopg2://{USER}@{HOST}:{port}/{DATABASE}", future=True)


Base = declarative_base()
tags = sa.Table("sqla_pet_tag", Base.metadata,
                sa.Column("pet", sa.ForeignKey("sqla_pet.id", ondelete="CASCADE"), primary_key=True),
                sa.Column("tag", sa.ForeignKey("sqla_tag.id"), primary_key=True))


class Owner(Base):
    __tablename__ = "sqla_owner"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(40), nullable=False, unique=True)
    pets = relationship("Pet", back_populates="owner", cascade="all, delete-orphan")


class Pet(Base):
    __tablename__ = "sqla_pet"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.Text)
    price = sa.Column(sa.Numeric(12, 3))
    alive = sa.Column(sa.Boolean, default=True)
    born = sa.Column(sa.DateTime(timezone=True), server_default=sa.func.now())
    day = sa.Column(sa.Date)
    picture = sa.Column(sa.LargeBinary)
    weight = sa.Column(sa.Float, index=True)
    lives = sa.Column(sa.BigInteger)
    nap = sa.Column(sa.Interval)
    owner_id = sa.Column(sa.ForeignKey("sqla_owner.id"))
    owner = relationship("Owner", back_populates="pets")
    tags = relationship("Tag", secondary=tags, order_by="Tag.id")


class Tag(Base):
    __tablename__ = "sqla_tag"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.Text, unique=True)


@check
def connect(connect):
    with connect().connect() as c:
        assert c.dialect.server_version_info[0] == 15
        assert c.execute(sa.text("SELECT 1")).scalar() == 1


@check
def ddl(connect):
    engine = connect()
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    Base.metadata.create_all(engine)
    assert {"sqla_owner", "sqla_pet", "sqla_pet_tag", "sqla_tag"} <= set(sa.inspect(engine).get_table_names())


@check
def types_and_nulls(connect):
    values = dict(zip("id b i2 i4 i8 n f4 f8 t v c y u d ti ts tz iv".split(), VALUES))
    with Session(connect(), future=True) as s:
        s.add(Owner(name="ann", pets=[
            Pet(name=TEXT, price=values["n"], alive=False, born=values["tz"], day=values["d"], picture=values["y"],
                weight=0.1, lives=values["i8"], nap=values["iv"]), Pet(name="empty", alive=None)]))
        s.commit()
        one, two = s.query(Pet).order_by(Pet.id).all()
        assert (one.name, one.price, one.alive, one.born, one.day, one.picture, one.weight, one.lives, one.nap) == (
            TEXT, values["n"], False, values["tz"], values["d"], values["y"], 0.1, values["i8"], values["iv"])
        assert (two.price, two.day, two.picture, two.lives, two.nap) == (None,) * 5
        assert two.owner is one.owner and two.id == one.id + 1


@check
def batch(connect):
    with Session(connect(), future=True) as s:
        s.add_all([Tag(name=f"tag {i}") for i in range(300)])
        s.commit()
        s.execute(sa.insert(Tag), [{"name": f"more {i}"} for i in range(300)])
        s.commit()
        assert s.query(Tag).count() == 600
        assert s.execute(sa.update(Tag).where(Tag.name.like("more%")).values(name=Tag.name + "!")
                         .execution_options(synchronize_session=False)).rowcount == 300
        assert len(s.execute(sa.delete(Tag).where(Tag.name.like("more%")).returning(Tag.id)
                             .execution_options(synchronize_session=False)).all()) == 300
        s.commit()


@check
def queries(connect):
    with Session(connect(), future=True) as s:
        pet = s.query(Pet).filter(Pet.name == TEXT).one()
        pet.tags = s.query(Tag).order_by(Tag.id).limit(3).all()
        s.commit()
        rows = s.execute(sa.select(Owner.name, sa.func.count(Tag.id.distinct()), sa.func.array_agg(Tag.name))
                         .join(Owner.pets).join(Pet.tags).group_by(Owner.name).having(sa.func.count() > 1)).all()
        assert rows[0][:2] == ("ann", 3) and sorted(rows[0][2]) == ["tag 0", "tag 1", "tag 2"]
        sub = sa.select(sa.func.max(Pet.weight)).scalar_subquery()
        assert s.scalars(sa.select(Pet.name).where(Pet.weight == sub)).all() == [TEXT]
        ranked = sa.select(Tag.name, sa.func.row_number().over(order_by=Tag.id).label("n")).cte("ranked")
        assert s.execute(sa.select(ranked.c.name).where(ranked.c.n == 5)).scalar() == "tag 4"
        assert s.query(Tag).filter(Tag.id.in_([1, 2, 3]) | Tag.name.ilike("TAG 29_")).count() >= 10
        with connect().connect() as c:
            upsert = sa.dialects.postgresql.insert(Tag).values(name="tag 0").on_conflict_do_nothing().returning(Tag.id)
            assert c.execute(upsert).all() == []


@check
def cursors(connect):
    with connect().connect().execution_options(stream_results=True, max_row_buffer=50) as c:
        assert sum(row[0] for row in c.execute(sa.text("SELECT i FROM generate_series(1, 700) i"))) == 700 * 701 // 2
        assert [len(p) for p in c.execute(sa.select(Tag.id)).partitions(100)] == [100, 100, 100]


@check
def transactions(connect):
    engine = connect()
    with Session(engine, future=True) as s:
        s.add(Owner(name="bob"))
        s.flush()
        nested = s.begin_nested()
        s.add(Owner(name="bob"))
        raises(exc.IntegrityError, s.flush)
        nested.rollback()
        s.add(Owner(name="cem"))
        s.commit()
        s.add(Owner(name="dan"))
        s.flush()
        s.rollback()
        assert s.scalars(sa.select(Owner.name).order_by(Owner.name)).all() == ["ann", "bob", "cem"]


@check
def errors(connect):
    engine = connect()
    with engine.connect() as c:
        for sql, error in (("SELEC 1", exc.ProgrammingError), ("SELECT * FROM nope", exc.ProgrammingError),
                           ("SELECT 1/0", exc.DataError), ("SELECT 'x'::int", exc.DataError)):
            raises(error, c.execute, sa.text(sql))
            c.rollback()
    with Session(engine, future=True) as s:
        s.add(Pet(owner_id=4711))
        e = raises(exc.IntegrityError, s.commit)
        assert e.orig.pgcode == "23503" and e.orig.diag.constraint_name == "sqla_pet_owner_id_fkey"
        assert e.orig.diag.message_detail == 'Key (owner_id)=(4711) is not present in table "sqla_owner".'


@check
def prepared(connect):
    with connect().connect() as c:
        for i in range(3):
            assert c.execute(sa.select(sa.literal(i) + 1, sa.func.upper(sa.bindparam("x"))), {"x": "x"}).one() == (i + 1, "X")


@check
def unicode(connect):
    with connect().connect() as c:
        assert c.execute(sa.select(sa.literal(TEXT), sa.func.length(TEXT))).one() == (TEXT, len(TEXT))


@check
def reflection(connect):
    engine = connect()
    i = sa.inspect(engine)
    assert [(c["name"], str(c["type"]), c["nullable"]) for c in i.get_columns("sqla_pet")][:4] == [
        ("id", "INTEGER", False), ("name", "TEXT", True), ("price", "NUMERIC(12, 3)", True), ("alive", "BOOLEAN", True)]
    assert i.get_pk_constraint("sqla_pet_tag")["constrained_columns"] == ["pet", "tag"]
    (key,) = i.get_foreign_keys("sqla_pet")
    assert (key["constrained_columns"], key["referred_table"], key["name"]) == (
        ["owner_id"], "sqla_owner", "sqla_pet_owner_id_fkey")
    assert [u["column_names"] for u in i.get_unique_constraints("sqla_owner")] == [["name"]]
    assert "ix_sqla_pet_weight" in [x["name"] for x in i.get_indexes("sqla_pet")]
    meta = sa.MetaData()
    meta.reflect(engine, only=["sqla_pet", "sqla_pet_tag"])
    assert meta.tables["sqla_pet"].c.owner_id.references(meta.tables["sqla_owner"].c.id)
    with engine.connect() as c:
        assert c.execute(sa.select(sa.func.count()).select_from(meta.tables["sqla_pet"])).scalar() == 2


@check
def large(connect):
    engine = connect(LARGE_PORT)
    table = sa.Table("sqla_large", sa.MetaData(), sa.Column("y", sa.LargeBinary))
    value = b"\x00\xffab" * (LARGE // 4)
    table.drop(engine, checkfirst=True)
    table.create(engine)
    with engine.begin() as c:
        c.execute(table.insert(), {"y": value})
        assert bytes(c.execute(sa.select(table.c.y)).scalar()) == value
    table.drop(engine)


@check
def cancel(connect):
    with connect().connect() as c:
        threading.Timer(0.3, c.connection.dbapi_connection.cancel).start()
        start = time.monotonic()
        raises(exc.OperationalError, c.execute, sa.text("SELECT count(*) FROM generate_series(1, 10000000000)"))
        assert time.monotonic() - start < 10
        c.rollback()
        assert c.execute(sa.text("SELECT 1")).scalar() == 1


run(setup)
