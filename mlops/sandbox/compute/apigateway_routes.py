"""A deployment of a REST API: a snapshot of its routes, models, validators and gateway responses, and what a request finds in it."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft4Validator

# Gateway responses: status and message where the API does not define its own.
# Source: "Gateway response types for API Gateway" in the developer guide.
GATEWAY_RESPONSES = {
    "ACCESS_DENIED": (403, "Forbidden"),
    "API_CONFIGURATION_ERROR": (500, "Internal server error"),
    "BAD_REQUEST_BODY": (400, "Invalid request body"),
    "BAD_REQUEST_PARAMETERS": (400, "Missing required request parameters"),
    "DEFAULT_5XX": (500, "Internal server error"),
    "INTEGRATION_FAILURE": (502, "Internal server error"),
    "INTEGRATION_TIMEOUT": (504, "Endpoint request timed out"),
    "INVALID_API_KEY": (403, "Forbidden"),
    "MISSING_AUTHENTICATION_TOKEN": (403, "Missing Authentication Token"),
    "REQUEST_TOO_LARGE": (413, "Request Too Long"),
    "THROTTLED": (429, "Too Many Requests"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "Unsupported Media Type"),
}


class GatewayError(Exception):
    """A request that ends in a gateway response. `key` is "Message" where AWS writes it with a capital."""

    def __init__(self, type_: str, message: str = "", *, validation: str = "", key: str = "message") -> None:
        self.type = type_
        self.status, default = GATEWAY_RESPONSES[type_]
        self.message = message or default
        self.validation, self.key = validation, key
        super().__init__(self.message)


@dataclass(frozen=True)
class Route:
    """One resource with its methods (moto's)."""

    path: str
    resource_id: str
    methods: dict[str, Any]

    def match(self, path: str) -> dict[str, str] | None:
        """The path parameters when `path` (without stage) is of this route."""
        names: list[str] = []

        def pattern(match: re.Match[str]) -> str:
            names.append(match[1].removesuffix("+"))
            return "(.+)" if match[1].endswith("+") else "([^/]+)"

        expression = re.sub(r"\\\{([^}]+?)\\\}", pattern, re.escape(self.path).replace(r"\+", "+"))
        found = re.fullmatch(expression, path.rstrip("/") or "/")
        return dict(zip(names, found.groups(), strict=True)) if found else None

    @property
    def weight(self) -> tuple[int, int]:
        """Fixed segments before parameters before greedy parameters."""
        return (self.path.count("+}"), self.path.count("{"))


@dataclass(frozen=True)
class Deployed:
    """What a deployment froze."""

    routes: list[Route]
    schemas: dict[str, Any]
    validators: dict[str, tuple[bool, bool]]
    responses: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, api: Any) -> Deployed:
        """A copy of the API as it is now."""
        resources = [(resource, resource.get_path()) for resource in api.resources.values()]
        routes = [Route(path, resource.id, copy.deepcopy(resource.resource_methods)) for resource, path in resources]
        validators = {
            each.id: (bool(each.validate_request_body), bool(each.validate_request_parameters)) for each in api.request_validators.values()
        }
        schemas = {model.name: json.loads(model.schema) for model in api.models.values() if model.schema}
        return cls(sorted(routes, key=lambda route: route.weight), schemas, validators, copy.deepcopy(api.gateway_responses))

    def find(self, method: str, path: str) -> tuple[Route, Any, dict[str, str]]:
        """(route, method, path parameters); GatewayError when the API has none of it."""
        for route in self.routes:
            parameters = route.match(path)
            if parameters is not None:
                found = route.methods.get(method) or route.methods.get("ANY")
                if found is not None:
                    return route, found, parameters
        raise GatewayError("MISSING_AUTHENTICATION_TOKEN")

    def validate(self, method: Any, headers: dict[str, str], query: dict[str, list[str]], body: str) -> None:
        """GatewayError when the method's validator refuses the request."""
        check_body, check_parameters = self.validators.get(method.request_validator_id, (False, False))
        if check_parameters:
            missing = [
                name
                for name, required in (method.request_parameters or {}).items()
                if is_true(required) and not present(name, headers, query)
            ]
            if missing:
                names = ", ".join(name.rsplit(".", 1)[1] for name in missing)
                raise GatewayError("BAD_REQUEST_PARAMETERS", f"Missing required request parameters: [{names}]")
        if check_body and method.request_models:
            content_type = headers.get("content-type", "application/json").split(";")[0].strip()
            name = method.request_models.get(content_type)
            if name in self.schemas:
                check_schema(self.schemas[name], body)

    def answer(self, error: GatewayError, context: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        """(status, headers, body) of a gateway response: the API's own, its default of the class, or AWS's."""
        fallback = "DEFAULT_4XX" if error.status < 500 else "DEFAULT_5XX"
        own = self.responses.get(error.type) or self.responses.get(fallback)
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error_name(error)}
        if own is None:
            return error.status, headers, json.dumps({error.key: error.message})
        for name, value in (own.response_parameters or {}).items():
            headers[name.removeprefix("gatewayresponse.header.")] = str(value).strip("'")
        template = (own.response_templates or {}).get("application/json") or '{"message":$context.error.messageString}'
        values = {
            **context,
            "error.message": error.message,
            "error.messageString": json.dumps(error.message),
            "error.responseType": error.type,
            "error.validationErrorString": error.validation,
        }
        return int(own.status_code or error.status), headers, substitute(template, values)


def check_schema(schema: Any, body: str) -> None:
    """GatewayError when the body is not JSON of this (draft 4) schema."""
    try:
        document = json.loads(body) if body else None
    except ValueError:
        raise GatewayError("BAD_REQUEST_BODY", validation="[body is not JSON]") from None
    errors = [
        f"{'/'.join(str(part) for part in error.absolute_path) or 'body'}: {error.message}"
        for error in Draft4Validator(schema).iter_errors(document)
    ]
    if errors:
        raise GatewayError("BAD_REQUEST_BODY", validation=f"[{', '.join(errors)}]")


def is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def present(name: str, headers: dict[str, str], query: dict[str, list[str]]) -> bool:
    """Whether `method.request.<place>.<name>` is in the request. A path parameter always is."""
    _, _, place, key = name.split(".", 3)
    if place == "header":
        return key.lower() in headers
    return key in query if place == "querystring" else True


def error_name(error: GatewayError) -> str:
    return {
        "MISSING_AUTHENTICATION_TOKEN": "MissingAuthenticationTokenException",
        "ACCESS_DENIED": "AccessDeniedException",
        "THROTTLED": "TooManyRequestsException",
        "REQUEST_TOO_LARGE": "RequestTooLongException",
    }.get(error.type, "BadRequestException" if error.status < 500 else "InternalServerErrorException")


def substitute(template: str, context: dict[str, Any]) -> str:
    """Replace $context.… ; what stands inside a JSON string is escaped for it, what is unknown is "-"."""

    def value(match: re.Match[str]) -> str:
        found = context.get(match[1])
        text = "-" if found is None else str(found)
        return text if match[1].endswith("String") and match[1] != "error.validationErrorString" else json.dumps(text)[1:-1]

    return re.sub(r"\$context\.([A-Za-z]+(?:\.[A-Za-z]+)*)", value, template)
