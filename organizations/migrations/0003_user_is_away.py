from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('organizations', '0002_user_uses_single_keys'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='is_away',
            field=models.BooleanField(db_default=False, default=False, editable=False, help_text='Whether the user takes no new conversations, although the inbox is open.'),
        ),
    ]
