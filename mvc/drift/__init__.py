"""Whether data differs from a reference: tests by column, from columns."""
