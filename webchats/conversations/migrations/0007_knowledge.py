import django.core.validators
import django.db.models.deletion
import organizations.constraints
import organizations.fields
import simple_history.models
import webchat_project.api.object_ids
import webchats.conversations.models.knowledge
from django.conf import settings
from django.db import migrations, models


def create_index(apps, schema_editor):
    """Create the index of the full-text search. SQLite has none: it indexes in memory."""
    if schema_editor.connection.vendor == "postgresql":
        # The expression of ``webchats.conversations.knowledge.search``.
        schema_editor.execute(
            "CREATE INDEX knowledge_search ON conversations_knowledgeentry USING gin (("
            "setweight(to_tsvector('english'::regconfig, COALESCE(questions, '')), 'A') || "
            "setweight(to_tsvector('english'::regconfig, COALESCE(answer, '')), 'B')))"
        )


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0006_message_reply_index'),
        ('organizations', '0005_ai_providers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalKnowledgeEntry',
            fields=[
                ('id', organizations.fields.ObjectIdField(db_index=True, default=webchat_project.api.object_ids.new_object_id, editable=False, max_length=24)),
                ('created_at', models.DateTimeField(blank=True, editable=False)),
                ('updated_at', models.DateTimeField(blank=True, editable=False)),
                ('question', organizations.fields.TrimmedCharField(max_length=300)),
                ('also_asked_as', webchats.conversations.models.knowledge.WordingsField(blank=True, default=list, help_text='Other wordings of the question, so that it is found by them, too.')),
                ('answer', organizations.fields.TrimmedTextField(max_length=4000)),
                ('link', organizations.fields.TrimmedCharField(blank=True, default='', help_text='Shown below the answer: a page, an e-mail address (mailto:) or a number (tel:).', max_length=2000, validators=[webchats.conversations.models.knowledge.validate_link])),
                ('language', organizations.fields.TrimmedCharField(blank=True, default='', help_text='A language tag such as en or pt-BR.', max_length=35, validators=[django.core.validators.RegexValidator('\\A[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\\Z', message='Enter a language tag such as en or pt-BR.')])),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='organizations.organization')),
            ],
            options={
                'verbose_name': 'historical knowledge entry',
                'verbose_name_plural': 'historical knowledge entries',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='KnowledgeEntry',
            fields=[
                ('id', organizations.fields.ObjectIdField(default=webchat_project.api.object_ids.new_object_id, editable=False, max_length=24, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('question', organizations.fields.TrimmedCharField(max_length=300)),
                ('also_asked_as', webchats.conversations.models.knowledge.WordingsField(blank=True, default=list, help_text='Other wordings of the question, so that it is found by them, too.')),
                ('answer', organizations.fields.TrimmedTextField(max_length=4000)),
                ('link', organizations.fields.TrimmedCharField(blank=True, default='', help_text='Shown below the answer: a page, an e-mail address (mailto:) or a number (tel:).', max_length=2000, validators=[webchats.conversations.models.knowledge.validate_link])),
                ('language', organizations.fields.TrimmedCharField(blank=True, default='', help_text='A language tag such as en or pt-BR.', max_length=35, validators=[django.core.validators.RegexValidator('\\A[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\\Z', message='Enter a language tag such as en or pt-BR.')])),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('questions', models.TextField(blank=True, default='', editable=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization')),
                ('prompts', models.ManyToManyField(blank=True, help_text='The prompts that use this entry. If empty, all prompts do.', related_name='knowledge', to='organizations.prompt')),
            ],
            options={
                'verbose_name': 'knowledge entry',
                'verbose_name_plural': 'knowledge entries',
                'ordering': ('question', 'id'),
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='knowledge_newest')],
                'constraints': [organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('question__length__gte', 1), ('question__length__lte', 300)), name='conversations_knowledgeentry_question_length'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('answer__length__gte', 1), ('answer__length__lte', 4000)), name='conversations_knowledgeentry_answer_length')],
            },
        ),
        migrations.RunPython(create_index, migrations.RunPython.noop),
    ]
