"""A worker: it does its work until it is told to stop, and finishes what it has begun."""

import os
import signal
import threading

stopping = threading.Event()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: stopping.set())

replica = os.environ.get("DYNO", "worker.0")
print(f"{replica} works", flush=True)
jobs = 0
while not stopping.wait(1):
    jobs += 1
    if jobs % 60 == 0:
        print(f"{replica} has done {jobs} jobs", flush=True)
print(f"{replica} stops after {jobs} jobs", flush=True)
