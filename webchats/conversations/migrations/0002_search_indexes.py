"""The indexes for the search in contacts, knowledge and messages. SQLite has none."""

from django.db import migrations


def create(apps, schema_editor):
    """Create the indexes without blocking writes."""
    if schema_editor.connection.vendor != "postgresql":
        return
    # A trusted extension: the owner of the database may create it.
    schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    # The expression of ``webchats.conversations.search``.
    schema_editor.execute(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS contact_search ON conversations_contact "
        "USING gin (UPPER(name || ' ' || email || ' ' || phone) gin_trgm_ops)"
    )
    # A generated column, as to_tsvector takes milliseconds for each long answer that is ranked.
    # The model does not have it, because SQLite cannot: see ``knowledge.search``.
    schema_editor.execute(
        "ALTER TABLE conversations_knowledgeentry ADD COLUMN IF NOT EXISTS search_vector tsvector "
        "GENERATED ALWAYS AS ("
        "setweight(to_tsvector('english'::regconfig, questions), 'A') || "
        "setweight(to_tsvector('english'::regconfig, answer), 'B')) STORED"
    )
    schema_editor.execute(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS knowledge_search "
        "ON conversations_knowledgeentry USING gin (search_vector)"
    )
    # The expression of ``webchats.conversations.message_search``. No condition: the planner does not
    # use the statistics of a partial index, and would not know which words are frequent.
    schema_editor.execute(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS message_search ON conversations_message "
        "USING gin ((replace(' ' || strip(to_tsvector('simple'::regconfig, translate("
        "CASE WHEN octet_length(text) > 1000 "
        "THEN regexp_replace(text, '(\\S{255})', '\\1 ', 'g') "
        "ELSE text END, '@./-_:+~&=?#', '            ')))::text, "
        "' ''', ' ''' || COALESCE(organization_id, '') || ' ')::tsvector))"
    )


def drop(apps, schema_editor):
    """Drop the indexes. Others may use the extension."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX CONCURRENTLY IF EXISTS message_search")
        schema_editor.execute("DROP INDEX CONCURRENTLY IF EXISTS knowledge_search")
        schema_editor.execute(
            "ALTER TABLE conversations_knowledgeentry DROP COLUMN IF EXISTS search_vector"
        )
        schema_editor.execute("DROP INDEX CONCURRENTLY IF EXISTS contact_search")


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY cannot run in a transaction.
    atomic = False

    dependencies = [("conversations", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]
