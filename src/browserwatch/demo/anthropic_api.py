"""Anthropic's messages, as far as browser-use speaks them: structured output is a forced use of a tool."""

from typing import Any

import msgspec

from browserwatch.demo.prompts import Call
from browserwatch.demo.replies import Reply


class _Block(msgspec.Struct):
    text: str = ""


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Block]

    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "\n".join(block.text for block in self.content)


class _Tool(msgspec.Struct):
    name: str
    input_schema: dict[str, Any] = {}


class _Request(msgspec.Struct):
    messages: list[_Message]
    model: str = ""
    stream: bool | None = None
    tools: list[_Tool] = []


_decoder = msgspec.json.Decoder(_Request)


def decode(body: bytes) -> Call:
    """Read a request.

    Raises:
        msgspec.DecodeError: It is no messages request, or asks for streaming.
    """
    request = _decoder.decode(body)
    if request.stream:
        raise msgspec.ValidationError("the scripted model doesn't stream; leave stream out")
    tool = request.tools[0] if request.tools else None
    return Call(
        model=request.model,
        text="\n".join(message.text() for message in request.messages if message.role == "user"),
        output_schema=tool.input_schema if tool else None,
        output_name=tool.name if tool else "",
    )


def encode(reply: Reply, call: Call) -> dict[str, Any]:
    """Write an answer."""
    if isinstance(reply.content, str):
        block: dict[str, Any] = {"type": "text", "text": reply.content}
    else:
        block = {"type": "tool_use", "id": "toolu_scripted", "name": call.output_name, "input": reply.content}
    usage = reply.usage
    return {
        "id": "msg_scripted",
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "content": [block],
        "stop_reason": "tool_use" if block["type"] == "tool_use" else "end_turn",
        "stop_sequence": None,
        # Unlike OpenAI's, these prompt tokens are without those from the cache.
        "usage": {
            "input_tokens": usage.prompt - usage.cached,
            "output_tokens": usage.completion,
            "cache_read_input_tokens": usage.cached,
            "cache_creation_input_tokens": 0,
        },
    }


def encode_error(kind: str, message: str) -> dict[str, Any]:
    """Write an error."""
    return {"type": "error", "error": {"type": kind, "message": message}}
