"""The shop of the demo, for its sample site, answers and conversations."""

from typing import Final, NamedTuple


class Product(NamedTuple):
    """A product of the sample site."""

    name: str
    text: str
    #: With its unit.
    price: str
    weight: str


TENT: Final = Product(
    name="Ridge 2 tent",
    text="For two people. Waterproof, and up in four minutes.",
    price="249 euros",
    weight="1.9 kg",
)
PACK: Final = Product(
    name="Alpine 45 pack",
    text="45 liters for a weekend, with a rain cover. Fits as cabin luggage.",
    price="139 euros",
    weight="1.4 kg",
)
BOOTS: Final = Product(
    name="Trail boots",
    text="Waterproof, and resoled for free in the first year.",
    price="159 euros",
    weight="1.1 kg",
)
PACK_SIZE: Final = "55 × 36 × 22 cm"
SHIPPING: Final = "Shipping costs 4.90 euros, and is free from 80 euros."
RETURN_DAYS: Final = 60
OPENING_HOURS: Final = "Our shop is open from Monday to Saturday, 10 to 19 o'clock."

#: The suggested questions on the sample site.
EXAMPLE_QUESTIONS: Final = (
    "Is the tent waterproof?",
    "How long does delivery take?",
    "Can I return it?",
)
