"""Full-text search in knowledge entries: tsvector on PostgreSQL, FTS5 on SQLite.

Questions count twice as much as answers. Words are stemmed as English ones, other languages
are found by the beginning of long words.
"""

import sqlite3
from contextlib import closing
from typing import Final

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVectorField
from django.db import connection
from django.db.models import Func, QuerySet

from webchats.conversations.knowledge.words import find_words, is_long
from webchats.conversations.models import KnowledgeEntry

#: The configuration of the column ``search_vector``.
_CONFIG: Final = "english"
#: A generated column, which only PostgreSQL has: see the migration ``0002_search_indexes``. It has
#: the questions with weight A and the answer with weight B.
_VECTOR: Final = Func(
    template='"conversations_knowledgeentry"."search_vector"', output_field=SearchVectorField()
)
#: Weights of D, C, B and A in PostgreSQL.
_RANKS: Final = [0.1, 0.2, 0.5, 1.0]


def search(entries: QuerySet[KnowledgeEntry], question: str, limit: int) -> list[KnowledgeEntry]:
    """Return the entries that match a word of the question, best first, at most ``limit``."""
    words = find_words(question)
    if not words:
        return []
    if connection.vendor == "postgresql":
        return list(_search_postgresql(entries, words)[:limit])
    return _search_sqlite(entries, words, limit)


def _search_postgresql(
    entries: QuerySet[KnowledgeEntry], words: list[str]
) -> QuerySet[KnowledgeEntry]:
    # Words have letters and digits only, so they need no quotes.
    text = " | ".join([*words, *(f"{word}:*" for word in words if is_long(word))])
    query = SearchQuery(text, search_type="raw", config=_CONFIG)
    ranked = entries.alias(vector=_VECTOR, rank=SearchRank(_VECTOR, query, weights=_RANKS))
    return ranked.filter(vector=query).order_by("-rank", "created_at", "id")


def _search_sqlite(
    entries: QuerySet[KnowledgeEntry], words: list[str], limit: int
) -> list[KnowledgeEntry]:
    """Build an index of the entries in memory, which takes 10 ms for 1,000 short ones."""
    ids: list[str] = []
    terms = [f'"{word}"' for word in words] + [f'"{word}"*' for word in words if is_long(word)]
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(
            "CREATE VIRTUAL TABLE entry USING fts5(questions, answer, content = '',"
            " tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        texts = entries.values_list("pk", "questions", "answer")
        for pk, questions, answer in texts.iterator(chunk_size=50):
            database.execute(
                "INSERT INTO entry (rowid, questions, answer) VALUES (?, ?, ?)",
                (len(ids), questions, answer),
            )
            ids.append(pk)
        found = database.execute(
            "SELECT rowid FROM entry WHERE entry MATCH ? ORDER BY bm25(entry, 2.0, 1.0), rowid "
            "LIMIT ?",
            (" OR ".join(terms), limit),
        )
        best = [ids[position] for (position,) in found]
    rows = KnowledgeEntry.objects.in_bulk(best)
    return [rows[pk] for pk in best if pk in rows]
