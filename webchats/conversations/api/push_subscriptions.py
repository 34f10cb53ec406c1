"""The REST API of the caller's devices that get notifications by web push."""

from typing import ClassVar, TypedDict, cast

from django.core.exceptions import ValidationError as ModelValidationError
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from organizations.fields import TEXT_VALIDATORS
from organizations.models import User
from organizations.tenancy.models import TenantQuerySet
from webchat_project.api.fields import IdField, StringField
from webchat_project.api.request_serializers import RequestSerializer
from webchat_project.api.timestamps import TimestampField
from webchats.conversations.api import examples
from webchats.conversations.models import PushSubscription
from webchats.conversations.models.push_subscription import (
    DEVICE_LENGTH,
    ENDPOINT_LENGTH,
    validate_public_key,
    validate_secret,
)
from webchats.conversations.notifications.subscriptions import describe_device, subscribe
from webchats.conversations.notifications.vapid import get_public_key


class PushSubscriptions(TypedDict):
    """The content of a list."""

    publicKey: str | None
    subscriptions: TenantQuerySet[PushSubscription]


class PushSubscriptionSerializer(serializers.Serializer[PushSubscription]):
    """A device. Neither its endpoint, which is a secret, nor its keys."""

    _id = IdField(source="pk")
    device = serializers.CharField()
    lastSuccessAt = TimestampField(source="last_success_at", allow_null=True)
    createdAt = TimestampField(source="created_at")


class PushSubscriptionsSerializer(serializers.Serializer[PushSubscriptions]):
    """The caller's devices. ``publicKey`` is null if the operator has not set up web push."""

    publicKey = serializers.CharField(allow_null=True)
    subscriptions = PushSubscriptionSerializer(many=True)


class PushSubscriptionsResponseSerializer(serializers.Serializer[PushSubscriptions]):
    """The envelope of a list."""

    # A field of the envelope, which has the name of a property of serializers.
    data = PushSubscriptionsSerializer()  # type: ignore[assignment]


class PushSubscriptionResponseSerializer(serializers.Serializer[PushSubscription]):
    """The envelope of a device."""

    # As above.
    data = PushSubscriptionSerializer()  # type: ignore[assignment]


class PushKeysSerializer(RequestSerializer):
    """The keys of a subscription, in URL-safe Base64."""

    p256dh = StringField(validators=[validate_public_key])
    auth = StringField(validators=[validate_secret])


class NewPushSubscriptionSerializer(RequestSerializer):
    """The result of ``PushSubscription.toJSON()`` in a browser, and a name of the device."""

    endpoint = StringField(max_length=ENDPOINT_LENGTH, validators=TEXT_VALIDATORS)
    keys = PushKeysSerializer()
    device = StringField(
        required=False, allow_blank=True, max_length=DEVICE_LENGTH, validators=TEXT_VALIDATORS
    )


@extend_schema(tags=["push subscriptions"])
class PushSubscriptionsView(APIView):
    """The caller's devices."""

    #: Whose roles apply.
    queryset = PushSubscription.objects.all()

    @extend_schema(
        operation_id="push_subscriptions_list",
        summary="List your devices for web push",
        responses=PushSubscriptionsResponseSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return the caller's devices, at most 20, and the key with which browsers subscribe."""
        own = self.queryset.filter(user=cast("User", request.user))
        content: PushSubscriptions = {"publicKey": get_public_key(), "subscriptions": own}
        return Response({"data": PushSubscriptionsSerializer(content).data})

    @extend_schema(
        operation_id="push_subscriptions_create",
        summary="Add a device for web push",
        request=NewPushSubscriptionSerializer,
        responses={
            200: PushSubscriptionResponseSerializer,
            201: PushSubscriptionResponseSerializer,
        },
        examples=[OpenApiExample("Example", examples.PUSH_SUBSCRIPTION_REQUEST, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Notify this device, also while no inbox is open.

        A known endpoint gets the new keys, and 200. Above 20 devices, the oldest one is
        deleted. Without a key of the operator, the response is 409 `push_unavailable`.
        """
        body = NewPushSubscriptionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        user_agent = request.headers.get("User-Agent", "")
        try:
            row, is_new = subscribe(
                user=cast("User", request.user),
                endpoint=values["endpoint"],
                **values["keys"],
                device=values.get("device") or describe_device(user_agent),
            )
        except ModelValidationError as error:
            raise ValidationError(serializers.as_serializer_error(error)) from None
        return Response(
            {"data": PushSubscriptionSerializer(row).data},
            status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK,
        )


@extend_schema(tags=["push subscriptions"])
class PushSubscriptionView(APIView):
    """One of the caller's devices."""

    queryset = PushSubscription.objects.all()
    error_statuses: ClassVar[set[str]] = {"404"}

    @extend_schema(
        operation_id="push_subscriptions_delete",
        summary="Remove a device",
        responses={204: None},
    )
    def delete(self, request: Request, **kwargs: str) -> Response:
        """Stop notifying the device."""
        own = self.queryset.filter(user=cast("User", request.user))
        get_object_or_404(own, pk=kwargs["id"]).delete()
        return Response({"message": "Push subscription deleted"})
