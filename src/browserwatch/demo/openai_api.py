"""OpenAI's chat completions, as far as browser-use speaks them."""

from typing import Any

import msgspec

from browserwatch.demo.prompts import Call
from browserwatch.demo.replies import Reply


class _Part(msgspec.Struct):
    text: str = ""


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None

    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or ())


class _JsonSchema(msgspec.Struct):
    schema: dict[str, Any]
    name: str = ""


class _Format(msgspec.Struct):
    json_schema: _JsonSchema | None = None


class _Request(msgspec.Struct):
    messages: list[_Message]
    model: str = ""
    stream: bool | None = None
    response_format: _Format | None = None


_decoder = msgspec.json.Decoder(_Request)


def decode(body: bytes) -> Call:
    """Read a request.

    Raises:
        msgspec.DecodeError: It is no chat completion request, or asks for streaming.
    """
    request = _decoder.decode(body)
    if request.stream:
        raise msgspec.ValidationError("the scripted model doesn't stream; leave stream out")
    wanted = request.response_format and request.response_format.json_schema
    return Call(
        model=request.model,
        text="\n".join(message.text() for message in request.messages if message.role == "user"),
        output_schema=wanted.schema if wanted else None,
        output_name=wanted.name if wanted else "",
    )


def encode(reply: Reply, call: Call) -> dict[str, Any]:
    """Write an answer."""
    content = reply.content if isinstance(reply.content, str) else msgspec.json.encode(reply.content).decode()
    usage = reply.usage
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 0,
        "model": call.model,
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}},
        ],
        "usage": {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "total_tokens": usage.prompt + usage.completion,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
        },
    }


def encode_error(kind: str, message: str) -> dict[str, Any]:
    """Write an error."""
    return {"error": {"message": message, "type": kind, "param": None, "code": kind}}
