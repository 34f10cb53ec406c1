from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('organizations', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='uses_single_keys',
            field=models.BooleanField(db_default=True, default=True, editable=False, help_text='Whether single keys are shortcuts in the inbox (WCAG 2.1.4).'),
        ),
    ]
