"""The demo's answers to questions about its sample site."""

from typing import Final, NamedTuple

from organizations.models import User
from webchats.conversations.models import KnowledgeEntry
from webchats.demo_shop import (
    BOOTS,
    OPENING_HOURS,
    PACK,
    PACK_SIZE,
    RETURN_DAYS,
    SHIPPING,
    TENT,
)

#: It exists, unlike a host of the shop. Links of answers open.
SHOP: Final = "https://www.example.com"


class _Answer(NamedTuple):
    question: str
    also_asked_as: list[str]
    answer: str
    link: str = ""


_TENT: Final = (
    _Answer(
        f"What does the {TENT.name} cost?",
        ["How much is the tent?", "What is the price of your tents?"],
        f"The {TENT.name} costs {TENT.price}.",
        f"{SHOP}/tents/ridge-2",
    ),
    _Answer(
        f"How much does the {TENT.name} weigh?",
        ["How heavy is the tent?", "What is the weight of the tent in kg?", "Is the tent light?"],
        f"The {TENT.name} weighs {TENT.weight}, with pegs and bag.",
        f"{SHOP}/tents/ridge-2",
    ),
    _Answer(
        f"Is the {TENT.name} waterproof?",
        ["Does the tent keep rain and water out?", "Can I use the tent in rain, wind or a storm?"],
        f"Yes. The {TENT.name} keeps rain and wind out. Its seams are taped.",
        f"{SHOP}/tents/ridge-2",
    ),
    _Answer(
        f"How many people sleep in the {TENT.name}?",
        ["How big is the tent?", "Does it fit 2, 3 or 4 persons?", "What size is it?"],
        f"The {TENT.name} is for two people: 215 × 135 cm inside, 105 cm high.",
        f"{SHOP}/tents/ridge-2",
    ),
    _Answer(
        "How long does it take to pitch the tent?",
        ["Is the tent easy to set up?", "How do I put up or build the tent?"],
        "One person puts it up in four minutes: two poles, and the outer tent first.",
        f"{SHOP}/tents/ridge-2",
    ),
    _Answer(
        "Which tents do you have?",
        ["Which tent do you recommend?", "Tell me about your tents"],
        f"We have the {TENT.name}: for two people, {TENT.weight}, {TENT.price}.",
        f"{SHOP}/tents",
    ),
)
_PACK: Final = (
    _Answer(
        f"What does the {PACK.name} cost?",
        ["How much is the pack?", "What is the price of the backpack or rucksack?"],
        f"The {PACK.name} costs {PACK.price}, with its rain cover.",
        f"{SHOP}/packs/alpine-45",
    ),
    _Answer(
        f"How much does the {PACK.name} weigh?",
        ["How heavy is the pack?", "What is the weight of the backpack or rucksack?"],
        f"The {PACK.name} weighs {PACK.weight}.",
        f"{SHOP}/packs/alpine-45",
    ),
    _Answer(
        f"Does the {PACK.name} fit as cabin luggage?",
        ["Can I take the backpack on a plane or flight?", "How big is the pack, what size?"],
        f"Yes. Packed flat the {PACK.name} is {PACK_SIZE}. It holds 45 liters.",
        f"{SHOP}/packs/alpine-45",
    ),
    _Answer(
        f"Is the {PACK.name} waterproof?",
        ["Does the pack have a rain cover?", "Is the backpack or rucksack fine in rain?"],
        f"The {PACK.name} has a rain cover, which is included. The fabric alone is not waterproof.",
        f"{SHOP}/packs/alpine-45",
    ),
    _Answer(
        "Which packs do you have?",
        ["Do you have backpacks?", "Which rucksack is good for a weekend?"],
        f"We have the {PACK.name}: 45 liters, {PACK.weight}, {PACK.price}.",
        f"{SHOP}/packs",
    ),
)
_BOOTS: Final = (
    _Answer(
        f"What do the {BOOTS.name} cost?",
        ["How much are the boots?", "What is the price of the shoes?"],
        f"The {BOOTS.name} cost {BOOTS.price} a pair.",
        f"{SHOP}/boots",
    ),
    _Answer(
        f"How much do the {BOOTS.name} weigh?",
        ["How heavy are the boots?", "What is the weight of the shoes?"],
        f"The {BOOTS.name} weigh {BOOTS.weight} a pair in size 42.",
        f"{SHOP}/boots",
    ),
    _Answer(
        f"Are the {BOOTS.name} waterproof?",
        ["Do the boots keep water out?", "Are the shoes fine in rain or snow?"],
        f"Yes. The {BOOTS.name} keep your feet dry, in snow, too.",
        f"{SHOP}/boots",
    ),
    _Answer(
        "Which sizes do the boots have?",
        ["What size of shoes do I need?", "Do the boots run large or small?"],
        f"The {BOOTS.name} come in sizes 36 to 48. They run small: take one size more.",
        f"{SHOP}/boots",
    ),
    _Answer(
        "What does a new sole for the boots cost?",
        ["Do you resole boots?", "Is resoling the shoes free?"],
        f"In the first year we resole the {BOOTS.name} for free. Later it costs 45 euros.",
        f"{SHOP}/repairs",
    ),
)
_ORDERS: Final = (
    _Answer(
        "How long does delivery take?",
        ["When does my parcel arrive?", "What are your shipping times?", "How fast do you ship?"],
        "We deliver within two to three working days in Europe, and within a week elsewhere.",
        f"{SHOP}/delivery",
    ),
    _Answer(
        "What does shipping cost?",
        [
            "Is delivery free?",
            "How much are the shipping costs?",
            "What do you charge for postage?",
        ],
        SHIPPING,
        f"{SHOP}/delivery",
    ),
    _Answer(
        "Do you ship abroad?",
        [
            "Do you deliver to other countries, or worldwide?",
            "Do you send to Austria, Italy, Norway, Poland, Spain or Switzerland?",
            "Do you ship to Canada, the UK or the USA?",
        ],
        "Yes, to every country that a parcel service reaches. The checkout shows the costs.",
        f"{SHOP}/delivery",
    ),
    _Answer(
        "Where is my order?",
        ["Where is my parcel or package?", "How do I track my order?", "My order has not arrived"],
        "The e-mail about your order has a link that follows the parcel. *Talk to a person* below "
        "if the link does not help: a colleague looks it up.",
        f"{SHOP}/orders",
    ),
    _Answer(
        "Can I change or cancel my order?",
        ["How do I cancel an order?", "Can I change my delivery address?"],
        "Yes, until we send it, which is at 14 o'clock on working days.",
        f"{SHOP}/orders",
    ),
    _Answer(
        "Can I return an item?",
        ["How do I send something back?", "What is your return policy?", "How do returns work?"],
        f"Yes, within {RETURN_DAYS} days, even after a weekend outdoors. The return label is in "
        "your parcel.",
        f"{SHOP}/returns",
    ),
    _Answer(
        "When do I get my money back?",
        ["How long does a refund take?", "Do I get a refund?"],
        "Within three working days after your parcel has reached us.",
        f"{SHOP}/returns",
    ),
)
_SHOP: Final = (
    _Answer(
        "Do you repair tents and packs?",
        ["My zipper is broken, can you fix it?", "Is there a warranty or guarantee?"],
        "Yes. Repairs are free for two years, and cost 20 euros afterwards.",
        f"{SHOP}/repairs",
    ),
    _Answer(
        "How can I pay?",
        ["Which payment methods do you accept?", "Can I pay by credit card or invoice?"],
        "By credit card, bank transfer, or invoice.",
    ),
    _Answer(
        "Is it in stock?",
        ["Are all colors available?", "Do you have the tent in green or gray?"],
        f"What the page shows is in stock. The {TENT.name} comes in green and in sand.",
        f"{SHOP}/tents",
    ),
    _Answer(
        "What are your opening hours?",
        ["When is your shop open?", "Are you open on Saturday?", "Where is your shop or store?"],
        f"{OPENING_HOURS} It is at Bergstraße 7 in Berlin.",
        "tel:+4930123456",
    ),
)
ANSWERS: Final = (*_TENT, *_PACK, *_BOOTS, *_ORDERS, *_SHOP)


def seed_knowledge(user: User) -> None:
    """Create the knowledge entries of the demo, unless the organization has any.

    The built-in provider answers from them. Call it after ``seed_conversations``, whose visitors
    wait for a person.
    """
    if KnowledgeEntry.objects.for_user(user).exists():
        return
    for answer in ANSWERS:
        entry = KnowledgeEntry(
            organization_id=str(user.organization_id), language="en", **answer._asdict()
        )
        entry.full_clean()
        entry.save()
