"""Hypothesis strategies for entries of allowed domains, valid and invalid."""

from hypothesis import settings
from hypothesis import strategies as st

from webchats.domains import canonicalize

fewer_examples = settings(max_examples=150, deadline=None, database=None)

HOSTS = ["example.com", "a.example.com", "a.b.example.com", "localhost", "127.0.0.1"]
PORTS = ["", ":80", ":443", ":3000", ":8443"]

dots = st.sampled_from([".", "\u3002", "\uff0e", "\uff61"])
letters = st.sampled_from(
    "abcxnzABZ019--ßéÅüﬁ中क_\u00ad\u0308\u200c\u200d\u0661\u05d0①\uff45\u017fK*"
)
labels = st.one_of(
    st.text(letters, min_size=1, max_size=8),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789", max_size=12).map("xn--{}".format),
    st.text("0123456789x", min_size=1, max_size=4),
    st.sampled_from(["com", "example", "localhost", "faß", "XN--FA-HIA"]),
)
names = st.builds(
    lambda parts, dot: dot.join(parts), st.lists(labels, min_size=1, max_size=5), dots
)
valid_labels = st.one_of(
    st.text("abkABKéÅüßø中例\uff45①ﬁ\u017fK", min_size=1, max_size=8),
    st.sampled_from(["qa--shop", "0x7f", "127", "XN--FA-HIA", "a-b", "exa\u00admple"]),
)
valid_names = st.builds(
    lambda parts, dot: dot.join([*parts, "example"]),
    st.lists(valid_labels, min_size=1, max_size=5),
    dots,
)
entry_like = st.one_of(
    names,
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "https://", "HTTP://", "*.", "https://*.", "//", "a:b@"]),
        names,
        st.sampled_from(["", ".", "\u3002"]),
        st.sampled_from(["", "/", ":443", ":0080", ":65535/", ":0", ":", "/8", "?", "\\"]),
    ),
)
anything = st.text(st.characters(exclude_categories=()), max_size=40)
entries = st.one_of(anything, entry_like, valid_names)
canonical_entries = st.one_of(
    st.builds("{}{}".format, st.sampled_from(HOSTS), st.sampled_from(PORTS)),
    st.builds("*.example.com{}".format, st.sampled_from(PORTS)),
    st.builds(
        "{}://{}{}".format,
        st.sampled_from(["http", "https"]),
        st.sampled_from(HOSTS),
        st.sampled_from(PORTS),
    ),
).map(canonicalize)
