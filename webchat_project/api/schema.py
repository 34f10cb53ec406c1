"""The OpenAPI document: envelopes, errors and nullability as the API really has them."""

from drf_spectacular.openapi import AutoSchema


class EnvelopeSchema(AutoSchema):
    """Placeholder until below."""
