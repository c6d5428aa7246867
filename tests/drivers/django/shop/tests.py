"""The shop's own tests, for `manage.py test`."""
import datetime
import decimal
import uuid

from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connection, transaction
from django.db.models import Avg, Count, F, Max, OuterRef, Q, Subquery, Sum, Value, Window
from django.db.models.functions import Coalesce, Concat, Lower, RowNumber, TruncMonth
from django.test import TestCase, TransactionTestCase

from .models import Order, Product, Tag

TEXT = "ünï¢ödé 漢字 🐘 'quoted' \"twice\" back\\slash %s"


def product(n, **fields):
    return Product.objects.create(**{"name": f"product {n}", "slug": f"p-{n}", "price": decimal.Decimal(n), "stock": 10, **fields})


class Crud(TestCase):
    def test_fields(self):
        fields = {"text": TEXT, "price": decimal.Decimal("12.50"), "weight": 0.1, "on_sale": True,
                  "day": datetime.date(2024, 2, 29), "picture": bytes(range(256)), "key": uuid.uuid4(),
                  "lasts": datetime.timedelta(days=3, seconds=5), "details": {"a": [1, {"b": None}], "ü": TEXT}}
        product(1, **fields)
        found = Product.objects.get(text=TEXT)
        for name, value in fields.items():
            have = getattr(found, name)
            self.assertEqual(bytes(have) if name == "picture" else have, value, name)
        self.assertIsNone(product(2).weight)

    def test_queries(self):
        for n in range(1, 11):
            p = product(n, on_sale=n % 2 == 0, day=datetime.date(2024, n, 1))
            p.tags.add(*[Tag.objects.get_or_create(name=f"tag {k}")[0] for k in range(n % 3)])
            for count in range(n % 4):
                p.orders.create(count=count + 1)
        self.assertEqual(Product.objects.filter(Q(price__gt=8) | Q(name__icontains="PRODUCT 1")).count(), 3)
        self.assertEqual(Product.objects.aggregate(Sum("price"), Avg("stock"), Max("day"))["price__sum"], 55)
        rows = Product.objects.annotate(n=Count("orders"), items=Coalesce(Sum("orders__count"), 0)).filter(n__gte=3)
        self.assertEqual([(r.name, r.items) for r in rows.order_by("slug")], [("product 3", 6), ("product 7", 6)])
        last = Order.objects.filter(product=OuterRef("pk")).order_by("-pk").values("count")[:1]
        self.assertEqual(Product.objects.annotate(last=Subquery(last)).get(slug="p-7").last, 3)
        self.assertEqual(Tag.objects.filter(products__price__lte=2).distinct().count(), 2)
        self.assertEqual(list(Product.objects.exclude(tags__name="tag 0").values_list("price", flat=True)), [3, 6, 9])
        self.assertEqual(Product.objects.annotate(m=TruncMonth("day")).values("m").annotate(c=Count("pk")).count(), 10)
        self.assertEqual(Product.objects.annotate(both=Concat(Lower("name"), Value("!"))).first().both, "product 1!")
        ranked = Product.objects.annotate(r=Window(RowNumber(), order_by=F("price").desc())).order_by("r")
        self.assertEqual([(p.r, p.price) for p in ranked[:2]], [(1, 10), (2, 9)])
        self.assertEqual(Product.objects.filter(day__year=2024, day__month__in=[1, 2]).count(), 2)
        self.assertEqual(len(Product.objects.select_related().prefetch_related("tags", "orders")[2:5]), 3)
        self.assertTrue(Product.objects.filter(slug="p-3").exists())
        self.assertEqual(sum(1 for _ in Product.objects.iterator(chunk_size=3)), 10)
        self.assertEqual(Product.objects.filter(details__a=1).count(), 0)

    def test_changes(self):
        Product.objects.bulk_create([Product(name=f"b {n}", slug=f"b-{n}", price=n) for n in range(100)])
        self.assertEqual(Product.objects.filter(price__lt=10).update(stock=F("stock") + 5, text=TEXT), 10)
        some = list(Product.objects.filter(text=TEXT))
        for p in some:
            p.stock *= 2
        Product.objects.bulk_update(some, ["stock"])
        self.assertEqual(Product.objects.filter(stock=10).count(), 10)
        self.assertEqual(Product.objects.filter(price__gte=50).delete()[0], 50)
        Tag.objects.bulk_create([Tag(name="x")], ignore_conflicts=True)
        Tag.objects.bulk_create([Tag(name="x"), Tag(name="y")], ignore_conflicts=True)
        self.assertEqual(Tag.objects.update_or_create(name="y", defaults={"name": "z"})[1], False)
        self.assertEqual(sorted(Tag.objects.values_list("name", flat=True)), ["x", "z"])

    def test_constraints(self):
        for wrong in ({"price": -1}, {"slug": "p-1"}, {"stock": -1}, {"name": None}):
            with self.assertRaises(IntegrityError), transaction.atomic():
                product(1) if "slug" in wrong else None
                product(2, **wrong)
        order = Order(product=product(3), count=11)
        with self.assertRaises(IntegrityError), transaction.atomic():
            order.take()
        with self.assertRaises(IntegrityError), transaction.atomic():
            Order.objects.create(product_id=4711, count=1)
            connection.check_constraints()


class Transactions(TransactionTestCase):
    def test_atomic(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            product(1)
            _ = 1 / 0
        self.assertEqual(Product.objects.count(), 0)
        with transaction.atomic():
            product(1)
            with self.assertRaises(IntegrityError), transaction.atomic():
                product(1)
            product(2)
            p = Product.objects.select_for_update().get(slug="p-2")
            p.stock = 1
            p.save()
        self.assertEqual(Product.objects.count(), 2)
        done = []
        with transaction.atomic():
            transaction.on_commit(lambda: done.append(1))
        self.assertEqual(done, [1])


class Pages(TestCase):
    def test_admin(self):
        User.objects.create_superuser("root", "root@example.com", "secret")
        self.assertTrue(self.client.login(username="root", password="secret"))
        self.assertEqual(self.client.get("/admin/").status_code, 200)
        data = {"name": "from the admin"}
        self.assertEqual(self.client.post("/admin/shop/tag/add/", data).status_code, 302)
        self.assertContains(self.client.get("/admin/shop/tag/"), "Tag object")
        self.assertEqual(Tag.objects.get().name, "from the admin")
        user = User.objects.create_user("ann")
        user.groups.add(Group.objects.create(name="staff"))
        self.assertFalse(user.has_perm("shop.add_product"))
