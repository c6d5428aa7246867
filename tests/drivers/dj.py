"""Django: migrations of its own apps and of a small one, manage.py test, inspectdb, flush."""
import os
import subprocess

import psycopg2

from checks import HOST, PORT, USER, check, run

FOLDER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "django")


def manage(*arguments):
    done = subprocess.run(["/usr/bin/python3", "-W", "ignore", "manage.py", *arguments], cwd=FOLDER, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@check
def migrate(_):
    c = psycopg2.connect(host=HOST, port=PORT, user=USER, dbname="minisql")
    c.autocommit = True
    c.cursor().execute("DROP DATABASE IF EXISTS drivers_django")
    c.cursor().execute("CREATE DATABASE drivers_django")
    out = manage("migrate", "--no-color")
    for name in ("auth.0012", "admin.0003", "contenttypes.0002", "sessions.0001", "shop.0001"):
        assert f"Applying {name}" in out, out
    assert "[ ]" not in manage("showmigrations")
    assert "No changes detected" in manage("makemigrations", "--check", "--dry-run")


@check
def test(_):
    assert "\nOK\n" in manage("test", "--noinput", "--no-color")


@check
def inspectdb(_):
    out = manage("inspectdb", "shop_product", "shop_order", "auth_user")
    for line in ("class ShopProduct(models.Model):", "slug = models.CharField(unique=True, max_length=50)",
                 "product = models.ForeignKey(ShopProduct, models.DO_NOTHING)",
                 "price = models.DecimalField(max_digits=10, decimal_places=2)"):
        assert line in out, out


@check
def fixtures(_):
    manage("shell", "-c", "from shop.models import *; Tag.objects.create(name='ä'); "
           "Product.objects.create(name='x', slug='x', price=1).tags.add(Tag.objects.get())")
    out = manage("dumpdata", "shop")
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"drivers-django-{os.getpid()}.json")
    with open(path, "w") as f:
        f.write(out)
    manage("flush", "--noinput")
    assert manage("dumpdata", "shop").strip() == "[]"
    manage("loaddata", path)
    os.unlink(path)
    assert manage("dumpdata", "shop") == out


@check
def back(_):
    assert "Unapplying shop.0001" in manage("migrate", "--no-color", "shop", "zero")
    assert "Unapplying auth.0012" in manage("migrate", "--no-color", "auth", "zero")


run(None)
