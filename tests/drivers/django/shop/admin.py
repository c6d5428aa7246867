"""What the admin's pages show."""
from django.contrib import admin

from .models import Order, Product, Tag

admin.site.register([Order, Product, Tag])
