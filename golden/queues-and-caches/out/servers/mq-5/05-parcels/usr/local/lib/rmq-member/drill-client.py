#!/usr/bin/python3
"""The client of drills and integration tests: a publisher that waits for confirmations, and a consumer.

  drill-client.py URL_FILE QUEUE declare
      makes the quorum queue
  drill-client.py URL_FILE QUEUE publish SECONDS PID_FILE
      numbered messages, a line each: number, begin and end in milliseconds, ok or failed
  drill-client.py URL_FILE QUEUE publish-some COUNT
      so many, every one confirmed; prints the numbers
  drill-client.py URL_FILE QUEUE take-all
      takes out what is there; prints the numbers, sorted

The URL is read from a file, because an argument could be read by everybody. An attempt that fails is
not repeated under the same number, so that a message that was written all the same shows.
"""

import os
import sys
import time
from pathlib import Path

import pika

# Quick to give up: what is measured is how soon another attempt succeeds.
HEARTBEAT = 4
PAUSE = 0.05
PERSISTENT = pika.BasicProperties(delivery_mode=2)


def connect(url):
    parameters = pika.URLParameters(url)
    parameters.heartbeat = HEARTBEAT
    parameters.socket_timeout = 3
    parameters.stack_timeout = 5
    parameters.blocked_connection_timeout = 10
    parameters.connection_attempts = 1
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.confirm_delivery()
    return connection, channel


def milliseconds():
    return time.time_ns() // 1_000_000


def declare(channel, queue):
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})


def send(channel, queue, number):
    """Returns when a majority of the queue's replicas has it; raises when it was refused or unroutable."""
    channel.basic_publish("", queue, str(number).encode(), PERSISTENT, mandatory=True)


def publish(url, queue, seconds):
    connection = channel = None
    number = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        number += 1
        began = milliseconds()
        result = "ok"
        try:
            if channel is None:
                connection, channel = connect(url)
            send(channel, queue, number)
        except (pika.exceptions.AMQPError, OSError) as error:
            result = "failed"
            print(f"{number}: {error!r}", file=sys.stderr, flush=True)
            abandon(connection)
            connection = channel = None
        print(number, began, milliseconds(), result, flush=True)
        time.sleep(PAUSE)
    abandon(connection)


def abandon(connection):
    """Closing a connection that is broken already fails, and that is no news."""
    try:
        if connection is not None:
            connection.close()
    except (pika.exceptions.AMQPError, OSError):
        pass


def publish_some(url, queue, count):
    connection, channel = connect(url)
    for number in range(1, count + 1):
        send(channel, queue, number)
    connection.close()
    print(*range(1, count + 1), sep="\n")


def take_all(url, queue):
    connection, channel = connect(url)
    channel.basic_qos(prefetch_count=100)
    found = []
    for method, _, body in channel.consume(queue, inactivity_timeout=3):
        if method is None:
            break
        found.append(int(body))
        channel.basic_ack(method.delivery_tag)
    channel.cancel()
    connection.close()
    print(*sorted(found), sep="\n")


def main(url_file, queue, command, argument="0", pid_file=""):
    url = Path(url_file).read_text().strip()
    if command == "declare":
        connection, channel = connect(url)
        declare(channel, queue)
        connection.close()
    elif command == "publish":
        Path(pid_file).write_text(f"{os.getpid()}\n")
        publish(url, queue, int(argument))
    elif command == "publish-some":
        publish_some(url, queue, int(argument))
    elif command == "take-all":
        take_all(url, queue)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5, 6):
        sys.exit(__doc__)
    main(*sys.argv[1:])
