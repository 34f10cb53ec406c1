"""The import of contacts."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('webchats', '0004_survey'),
    ]

    operations = [
        migrations.AlterField(
            model_name='importrecord',
            name='resource',
            field=models.CharField(choices=[('webchats', 'webchats'), ('knowledge', 'knowledge entries'), ('canned_replies', 'canned replies'), ('contact', 'contact entries')], db_default='webchats', default='webchats', max_length=20, verbose_name='rows'),
        ),
        migrations.AlterField(
            model_name='pendingimport',
            name='resource',
            field=models.CharField(choices=[('webchats', 'webchats'), ('knowledge', 'knowledge entries'), ('canned_replies', 'canned replies'), ('contact', 'contact entries')], db_default='webchats', default='webchats', max_length=20, verbose_name='rows'),
        ),
    ]
