"""What the pool is worth: `browserwatch bench pool`. Its agents against as many by `asyncio.gather` in one process.

`lab` is what both work with, `service` the program with the pool, `bare` the one without, `turns` measures them.
"""
