"""A small shop."""
from django.db import models
from django.db.models import F, Q


class Tag(models.Model):
    name = models.CharField(max_length=40, unique=True)


class Product(models.Model):
    name = models.CharField(max_length=100, db_index=True)
    slug = models.SlugField(unique=True)
    text = models.TextField(blank=True)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    weight = models.FloatField(null=True)
    stock = models.PositiveIntegerField(default=0)
    on_sale = models.BooleanField(default=False)
    since = models.DateTimeField(auto_now_add=True)
    day = models.DateField(null=True)
    picture = models.BinaryField(null=True)
    key = models.UUIDField(null=True)
    lasts = models.DurationField(null=True)
    details = models.JSONField(default=dict)
    tags = models.ManyToManyField(Tag, related_name="products")

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(check=Q(price__gte=0), name="price_not_negative"),
                       models.UniqueConstraint(fields=["name", "day"], name="once_a_day")]
        indexes = [models.Index(fields=["price", "-stock"], name="by_price")]


class Order(models.Model):
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="orders")
    count = models.IntegerField()

    def take(self):
        """Takes its goods from the stock; IntegrityError when there are too few."""
        Product.objects.filter(pk=self.product_id).update(stock=F("stock") - self.count)
