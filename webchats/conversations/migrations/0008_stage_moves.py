"""The moves of contacts, and when each contact entered its stage."""

import django.db.models.deletion
import django.utils.timezone
import organizations.constraints
import organizations.fields
import webchat_project.api.object_ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0007_conversation_rated'),
        ('organizations', '0002_notification_settings'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='contact',
            name='stage_entered_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.CreateModel(
            name='StageMove',
            fields=[
                ('id', organizations.fields.ObjectIdField(default=webchat_project.api.object_ids.new_object_id, editable=False, max_length=24, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('from_pipeline_name', organizations.fields.TrimmedCharField(blank=True, default='', max_length=120)),
                ('from_stage_name', organizations.fields.TrimmedCharField(blank=True, default='', max_length=120)),
                ('to_pipeline_name', organizations.fields.TrimmedCharField(blank=True, default='', max_length=120)),
                ('to_stage_name', organizations.fields.TrimmedCharField(blank=True, default='', max_length=120)),
                ('moved_by_name', organizations.fields.TrimmedCharField(blank=True, default='', max_length=120)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('contact', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='moves', to='conversations.contact')),
                ('from_pipeline', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='organizations.pipeline')),
                ('from_stage', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='organizations.stage')),
                ('moved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization')),
                ('to_pipeline', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='organizations.pipeline')),
                ('to_stage', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='organizations.stage')),
            ],
            options={
                'verbose_name': 'move',
                'ordering': ('-at', '-id'),
                'indexes': [models.Index(fields=['contact', '-at', '-id'], name='move_of_contact')],
                'constraints': [organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('from_pipeline_name__length__gte', 0), ('from_pipeline_name__length__lte', 120)), name='conversations_stagemove_from_pipeline_name_length'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('from_stage_name__length__gte', 0), ('from_stage_name__length__lte', 120)), name='conversations_stagemove_from_stage_name_length'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('to_pipeline_name__length__gte', 0), ('to_pipeline_name__length__lte', 120)), name='conversations_stagemove_to_pipeline_name_length'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('to_stage_name__length__gte', 0), ('to_stage_name__length__lte', 120)), name='conversations_stagemove_to_stage_name_length'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('moved_by_name__length__gte', 0), ('moved_by_name__length__lte', 120)), name='conversations_stagemove_moved_by_name_length')],
            },
        ),
    ]
