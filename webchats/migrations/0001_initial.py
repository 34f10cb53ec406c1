import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import organizations.constraints
import organizations.fields
import organizations.tenancy.on_delete
import simple_history.models
import webchat_project.api.object_ids
import webchats.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('organizations', '0001_initial'),
        ('organizations', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalWebchat',
            fields=[
                ('id', organizations.fields.ObjectIdField(db_index=True, default=webchat_project.api.object_ids.new_object_id, editable=False, max_length=24)),
                ('created_at', models.DateTimeField(blank=True, editable=False)),
                ('updated_at', models.DateTimeField(blank=True, editable=False)),
                ('icon', webchats.fields.IconKeyField(blank=True, default='', editable=False, max_length=200)),
                ('background_color', organizations.fields.ColorField(help_text="The chat panel's background.", max_length=7)),
                ('primary_color', organizations.fields.ColorField(help_text='The header and the buttons.', max_length=7)),
                ('secondary_color', organizations.fields.ColorField(help_text='The bubbles that the visitor sends.', max_length=7)),
                ('header_text_color', organizations.fields.ColorField(default='#FFFFFF', help_text='Text in the header.', max_length=7)),
                ('status_text_color', organizations.fields.ColorField(default='#6B7280', help_text='The status line.', max_length=7)),
                ('timestamp_color', organizations.fields.ColorField(default='#9CA3AF', help_text="The messages' timestamps.", max_length=7)),
                ('csat_background_color', organizations.fields.ColorField(default='#F3F4F6', help_text="The survey's background.", max_length=7, verbose_name='survey background')),
                ('csat_text_color', organizations.fields.ColorField(default='#111827', help_text='Text in the survey.', max_length=7, verbose_name='survey text')),
                ('starter_message', organizations.fields.TrimmedTextField(blank=True, default='', help_text='The greeting that visitors see before they write.', max_length=1000)),
                ('status_text', organizations.fields.TrimmedCharField(blank=True, default='', help_text='The line below the title, such as “We typically reply within minutes”.', max_length=200)),
                ('csat_thank_you_message', organizations.fields.TrimmedTextField(blank=True, default='', help_text='Shown to visitors after they answer the survey.', max_length=500, verbose_name='thank-you message')),
                ('is_survey_enabled', models.BooleanField(db_default=True, default=True, help_text='Visitors are asked for a rating when their conversation is closed.', verbose_name='satisfaction survey')),
                ('position', models.CharField(choices=[('bottom-right', 'Bottom right'), ('bottom-left', 'Bottom left'), ('top-right', 'Top right'), ('top-left', 'Top left')], default='bottom-right', max_length=12)),
                ('offset_x', models.IntegerField(default=24, help_text='Pixels from the left or right edge.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(200)], verbose_name='horizontal offset')),
                ('offset_y', models.IntegerField(default=24, help_text='Pixels from the top or bottom edge.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(200)], verbose_name='vertical offset')),
                ('z_index', models.IntegerField(default=9999, help_text='Higher values appear in front.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2147483647)], verbose_name='z-index')),
                ('initial_stage', organizations.fields.TrimmedCharField(help_text='The status of new contacts. With a pipeline but no stage, the name or slug of one of its active stages.', max_length=120)),
                ('name', organizations.fields.TrimmedCharField(help_text='For your team. Visitors never see it.', max_length=120)),
                ('description', organizations.fields.TrimmedTextField(blank=True, default='', help_text='Notes for your team.', max_length=2000)),
                ('allowed_domains', webchats.fields.AllowedDomainsField(blank=True, default=list, help_text='Sites that may embed the widget: example.com, *.example.com, https://example.com:8443. If empty, every site may embed it.')),
                ('is_enabled', models.BooleanField(default=True, help_text='The widget is active and accepts new sessions.', verbose_name='enabled')),
                ('sessions_valid_from', models.DateTimeField(editable=False, null=True)),
                ('is_autopilot', models.BooleanField(default=False, help_text="Automatic answers are sent without a representative's approval.", verbose_name='autopilot')),
                ('is_auto_assigned', models.BooleanField(db_default=False, default=False, help_text='Conversations that wait for a person are assigned in turn to members who are online and not away.', verbose_name='automatic assignment')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('created_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('entry_stage', models.ForeignKey(blank=True, db_constraint=False, db_index=False, editable=False, help_text='Where new contacts start, computed from the three fields above.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='organizations.stage')),
                ('history_user', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='organizations.organization')),
                ('pipeline', models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The pipeline for new contacts.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='organizations.pipeline')),
                ('pipeline_stage', models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='Where new contacts start. If empty, “Initial stage” is used.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='organizations.stage')),
                ('prompt', models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The instructions for automatic answers.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='organizations.prompt')),
                ('user', models.ForeignKey(blank=True, db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
            ],
            options={
                'verbose_name': 'historical webchat',
                'verbose_name_plural': 'historical webchats',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='PendingImport',
            fields=[
                ('id', organizations.fields.ObjectIdField(default=webchat_project.api.object_ids.new_object_id, editable=False, max_length=24, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('file_name', models.CharField(max_length=255)),
                ('content', models.BinaryField()),
                ('update_existing', models.BooleanField(default=False)),
                ('skip_invalid', models.BooleanField(default=False)),
                ('resource', models.CharField(choices=[('webchats', 'webchats'), ('knowledge', 'knowledge entries'), ('canned_replies', 'canned replies'), ('contact', 'contact entries')], db_default='webchats', default='webchats', max_length=20, verbose_name='rows')),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Webchat',
            fields=[
                ('id', organizations.fields.ObjectIdField(default=webchat_project.api.object_ids.new_object_id, editable=False, max_length=24, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('icon', webchats.fields.IconKeyField(blank=True, default='', editable=False, max_length=200)),
                ('background_color', organizations.fields.ColorField(help_text="The chat panel's background.", max_length=7)),
                ('primary_color', organizations.fields.ColorField(help_text='The header and the buttons.', max_length=7)),
                ('secondary_color', organizations.fields.ColorField(help_text='The bubbles that the visitor sends.', max_length=7)),
                ('header_text_color', organizations.fields.ColorField(default='#FFFFFF', help_text='Text in the header.', max_length=7)),
                ('status_text_color', organizations.fields.ColorField(default='#6B7280', help_text='The status line.', max_length=7)),
                ('timestamp_color', organizations.fields.ColorField(default='#9CA3AF', help_text="The messages' timestamps.", max_length=7)),
                ('csat_background_color', organizations.fields.ColorField(default='#F3F4F6', help_text="The survey's background.", max_length=7, verbose_name='survey background')),
                ('csat_text_color', organizations.fields.ColorField(default='#111827', help_text='Text in the survey.', max_length=7, verbose_name='survey text')),
                ('starter_message', organizations.fields.TrimmedTextField(blank=True, default='', help_text='The greeting that visitors see before they write.', max_length=1000)),
                ('status_text', organizations.fields.TrimmedCharField(blank=True, default='', help_text='The line below the title, such as “We typically reply within minutes”.', max_length=200)),
                ('csat_thank_you_message', organizations.fields.TrimmedTextField(blank=True, default='', help_text='Shown to visitors after they answer the survey.', max_length=500, verbose_name='thank-you message')),
                ('is_survey_enabled', models.BooleanField(db_default=True, default=True, help_text='Visitors are asked for a rating when their conversation is closed.', verbose_name='satisfaction survey')),
                ('position', models.CharField(choices=[('bottom-right', 'Bottom right'), ('bottom-left', 'Bottom left'), ('top-right', 'Top right'), ('top-left', 'Top left')], default='bottom-right', max_length=12)),
                ('offset_x', models.IntegerField(default=24, help_text='Pixels from the left or right edge.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(200)], verbose_name='horizontal offset')),
                ('offset_y', models.IntegerField(default=24, help_text='Pixels from the top or bottom edge.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(200)], verbose_name='vertical offset')),
                ('z_index', models.IntegerField(default=9999, help_text='Higher values appear in front.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2147483647)], verbose_name='z-index')),
                ('initial_stage', organizations.fields.TrimmedCharField(help_text='The status of new contacts. With a pipeline but no stage, the name or slug of one of its active stages.', max_length=120)),
                ('name', organizations.fields.TrimmedCharField(help_text='For your team. Visitors never see it.', max_length=120)),
                ('description', organizations.fields.TrimmedTextField(blank=True, default='', help_text='Notes for your team.', max_length=2000)),
                ('allowed_domains', webchats.fields.AllowedDomainsField(blank=True, default=list, help_text='Sites that may embed the widget: example.com, *.example.com, https://example.com:8443. If empty, every site may embed it.')),
                ('is_enabled', models.BooleanField(default=True, help_text='The widget is active and accepts new sessions.', verbose_name='enabled')),
                ('sessions_valid_from', models.DateTimeField(editable=False, null=True)),
                ('is_autopilot', models.BooleanField(default=False, help_text="Automatic answers are sent without a representative's approval.", verbose_name='autopilot')),
                ('is_auto_assigned', models.BooleanField(db_default=False, default=False, help_text='Conversations that wait for a person are assigned in turn to members who are online and not away.', verbose_name='automatic assignment')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, on_delete=organizations.tenancy.on_delete.restrict_counted, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('entry_stage', models.ForeignKey(db_index=False, editable=False, help_text='Where new contacts start, computed from the three fields above.', null=True, on_delete=organizations.tenancy.on_delete.restrict_counted, related_name='webchats', to='organizations.stage')),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization')),
                ('pipeline', models.ForeignKey(blank=True, db_index=False, help_text='The pipeline for new contacts.', null=True, on_delete=organizations.tenancy.on_delete.restrict_counted, related_name='webchats', to='organizations.pipeline')),
                ('pipeline_stage', models.ForeignKey(blank=True, db_index=False, help_text='Where new contacts start. If empty, “Initial stage” is used.', null=True, on_delete=organizations.tenancy.on_delete.restrict_counted, related_name='+', to='organizations.stage')),
                ('prompt', models.ForeignKey(db_index=False, help_text='The instructions for automatic answers.', on_delete=organizations.tenancy.on_delete.restrict_counted, related_name='webchats', to='organizations.prompt')),
                ('user', models.ForeignKey(db_index=False, editable=False, on_delete=organizations.tenancy.on_delete.restrict_counted, related_name='webchats', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
            ],
            options={
                'verbose_name': 'webchat',
                'verbose_name_plural': 'webchats',
                'ordering': ('-created_at', '-id'),
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='webchat_newest'), models.Index(fields=['organization', '-updated_at', '-id'], name='webchat_changed'), models.Index(fields=['organization', 'name', 'id'], name='webchat_by_name'), models.Index(fields=['prompt', '-created_at', '-id'], name='webchat_of_prompt'), models.Index(fields=['pipeline', '-created_at', '-id'], name='webchat_of_pipeline'), models.Index(condition=models.Q(('is_enabled', False)), fields=['organization', '-created_at', '-id'], name='webchat_disabled'), models.Index(condition=models.Q(('is_autopilot', True)), fields=['organization', '-created_at', '-id'], name='webchat_on_autopilot'), models.Index(fields=['user'], name='webchat_of_user'), models.Index(fields=['created_by'], name='webchat_of_created_by'), models.Index(fields=['pipeline_stage'], name='webchat_of_pipeline_stage'), models.Index(fields=['entry_stage'], name='webchat_of_entry_stage')],
                'constraints': [organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('background_color__regex', '\\A#[0-9A-Fa-f]{6}\\Z')), name='webchats_webchat_background_color_pattern'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('primary_color__regex', '\\A#[0-9A-Fa-f]{6}\\Z')), name='webchats_webchat_primary_color_pattern'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('secondary_color__regex', '\\A#[0-9A-Fa-f]{6}\\Z')), name='webchats_webchat_secondary_color_pattern'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('header_text_color__regex', '\\A#[0-9A-Fa-f]{6}\\Z')), name='webchats_webchat_header_text_color_pattern'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('status_text_color__regex', '\\A#[0-9A-Fa-f]{6}\\Z')), name='webchats_webchat_status_text_color_pattern'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('timestamp_color__regex', '\\A#[0-9A-Fa-f]{6}\\Z')), name='webchats_webchat_timestamp_color_pattern'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('csat_background_color__regex', '\\A#[0-9A-Fa-f]{6}\\Z')), name='webchats_webchat_csat_background_color_pattern'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('csat_text_color__regex', '\\A#[0-9A-Fa-f]{6}\\Z')), name='webchats_webchat_csat_text_color_pattern'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('icon', ''), ('icon__startswith', django.db.models.functions.text.Concat(models.Value('orgs/'), models.F('organization'), models.Value('/'))), _connector='OR'), name='webchats_webchat_icon_own'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('starter_message__length__gte', 0), ('starter_message__length__lte', 1000)), name='webchats_webchat_starter_message_length'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('status_text__length__gte', 0), ('status_text__length__lte', 200)), name='webchats_webchat_status_text_length'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('csat_thank_you_message__length__gte', 0), ('csat_thank_you_message__length__lte', 500)), name='webchats_webchat_csat_thank_you_message_length'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('position__in', ['bottom-right', 'bottom-left', 'top-right', 'top-left'])), name='webchats_webchat_position_choice'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('offset_x__gte', 0), ('offset_x__lte', 200)), name='webchats_webchat_offset_x_range'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('offset_y__gte', 0), ('offset_y__lte', 200)), name='webchats_webchat_offset_y_range'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('z_index__gte', 1), ('z_index__lte', 2147483647)), name='webchats_webchat_z_index_range'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('name__length__gte', 1), ('name__length__lte', 120)), name='webchats_webchat_name_length'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('description__length__gte', 0), ('description__length__lte', 2000)), name='webchats_webchat_description_length'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('initial_stage__length__gte', 1), ('initial_stage__length__lte', 120)), name='webchats_webchat_initial_stage_length'), organizations.constraints.DatabaseCheckConstraint(condition=models.Q(('pipeline_stage', None), ('pipeline__isnull', False), _connector='OR'), name='webchat_stage_only_with_pipeline')],
            },
        ),
        migrations.CreateModel(
            name='LastLoad',
            fields=[
                ('id', organizations.fields.ObjectIdField(default=webchat_project.api.object_ids.new_object_id, editable=False, max_length=24, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('host', models.CharField(blank=True, default='', editable=False, help_text='Empty if the request did not name it.', max_length=253)),
                ('loaded_at', models.DateTimeField(editable=False)),
                ('webchat', models.OneToOneField(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='last_load', to='webchats.webchat')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ImportRecord',
            fields=[
                ('id', organizations.fields.ObjectIdField(default=webchat_project.api.object_ids.new_object_id, editable=False, max_length=24, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('file_name', organizations.fields.TrimmedCharField(max_length=255)),
                ('sha256', models.CharField(max_length=64, verbose_name='SHA-256')),
                ('status', models.CharField(choices=[('running', 'running'), ('completed', 'completed'), ('checked', 'checked (dry run)'), ('refused', 'refused'), ('interrupted', 'interrupted')], default='running', max_length=12)),
                ('update_existing', models.BooleanField(default=False)),
                ('skip_invalid', models.BooleanField(default=False)),
                ('resource', models.CharField(choices=[('webchats', 'webchats'), ('knowledge', 'knowledge entries'), ('canned_replies', 'canned replies'), ('contact', 'contact entries')], db_default='webchats', default='webchats', max_length=20, verbose_name='rows')),
                ('created', models.PositiveIntegerField(default=0)),
                ('updated', models.PositiveIntegerField(default=0)),
                ('unchanged', models.PositiveIntegerField(default=0)),
                ('rejected', models.PositiveIntegerField(default=0)),
                ('finished_at', models.DateTimeField(null=True)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'import',
                'ordering': ('-created_at', '-id'),
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='import_newest')],
            },
        ),
    ]
