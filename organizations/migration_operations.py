"""Operations of migrations that do not block the previous version.

Django's operations of these names fail on databases other than PostgreSQL.
"""

from django.contrib.postgres import operations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.migrations import AddConstraint, AddIndex, RemoveIndex
from django.db.migrations.state import ProjectState


class AddIndexConcurrently(AddIndex):
    """Add an index, on PostgreSQL without blocking writes. The migration has ``atomic = False``."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Create the index."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if isinstance(schema_editor, DatabaseSchemaEditor):
            schema_editor.add_index(model, self.index, concurrently=True)
        else:
            schema_editor.add_index(model, self.index)


class RemoveIndexConcurrently(RemoveIndex):
    """Remove an index, on PostgreSQL without blocking. The migration has ``atomic = False``."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Remove the index."""
        model = from_state.apps.get_model(app_label, self.model_name)
        index = from_state.models[app_label, self.model_name_lower].get_index_by_name(self.name)
        if isinstance(schema_editor, DatabaseSchemaEditor):
            schema_editor.remove_index(model, index, concurrently=True)
        else:
            schema_editor.remove_index(model, index)


class AddConstraintNotValid(AddConstraint):
    """Add a check constraint, on PostgreSQL without reading the rows that are stored.

    ``ValidateConstraint`` reads them in the next migration.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Create the constraint."""
        if not isinstance(schema_editor, DatabaseSchemaEditor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        statement = self.constraint.create_sql(model, schema_editor)
        schema_editor.execute(f"{statement} NOT VALID", params=None)


class ValidateConstraint(operations.ValidateConstraint):
    """Validate a check constraint on PostgreSQL. Other databases have done so before."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Read the rows without blocking writes."""
        if isinstance(schema_editor, DatabaseSchemaEditor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
