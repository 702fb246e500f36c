"""Chromium's command line, so that all it sends goes through the proxy.

Tried with Chromium 156 in a network namespace of its own, one flag left out at a time, and every packet looked at.
"""

from __future__ import annotations

from typing import Final

# What does not ask the proxy finds no address: without this, WebRTC looks names up by DNS, and those that end with
# `.local` by multicast, even `~NOTFOUND` in place of them; so these get an address that nothing can be sent to.
_NO_NAMES: Final = "MAP *.local 255.255.255.255 , MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"


def chromium_flags(port: int) -> tuple[str, ...]:
    """Flags that leave Chromium no way to the network but the proxy on this port of 127.0.0.1."""
    return (
        f"--proxy-server=http://127.0.0.1:{port}",
        # By default loopback is never proxied: pages could reach every server on this machine.
        "--proxy-bypass-list=<-loopback>",
        f"--host-resolver-rules={_NO_NAMES}",
        # WebRTC sends UDP around any proxy. The flag's name until, and since, it was renamed.
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        # Chromium 156 sends no packet more without these. Others may: QUIC is UDP, prefetching is looking names up.
        "--disable-quic",
        "--dns-prefetch-disable",
        "--disable-background-networking",
    )
