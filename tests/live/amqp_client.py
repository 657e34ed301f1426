#!/usr/bin/python3
"""A client of RabbitMQ for live tests, run by Debian's Python, which has pika. The password comes on stdin.

  amqp_client.py HOST PORT VHOST USER enter             prints yes or no
  amqp_client.py HOST PORT VHOST USER send QUEUE COUNT  declares it without a type, sends numbers, each confirmed;
                                                        prints the types of it and of an exclusive queue
  amqp_client.py HOST PORT VHOST USER take QUEUE        prints the numbers that are there, and takes them out
"""

import sys

import pika


def main(host, port, vhost, user, command, queue="", count="0"):
    parameters = pika.ConnectionParameters(
        host, int(port), vhost, pika.PlainCredentials(user, sys.stdin.readline().rstrip("\n")), socket_timeout=5,
        stack_timeout=10, blocked_connection_timeout=20)
    try:
        connection = pika.BlockingConnection(parameters)
    except pika.exceptions.ProbableAuthenticationError:
        print("no")
        return
    if command == "enter":
        print("yes")
    elif command == "send":
        send(connection.channel(), queue, int(count))
    else:
        take(connection.channel(), queue)
    connection.close()


def send(channel, queue, count):
    channel.confirm_delivery()
    channel.queue_declare(queue, durable=True)
    for number in range(count):
        channel.basic_publish("", queue, str(number).encode(), mandatory=True)
    # A declaration that contradicts what is there is refused with the reason.
    for type_ in ("quorum", "classic"):
        try:
            channel.connection.channel().queue_declare(queue, durable=True, arguments={"x-queue-type": type_})
            print(type_)
        except pika.exceptions.ChannelClosedByBroker:
            pass
    channel.queue_declare("mine", exclusive=True, arguments={})
    channel.queue_declare("mine", exclusive=True, arguments={"x-queue-type": "classic"})
    print("classic")


def take(channel, queue):
    for method, _, body in channel.consume(queue, inactivity_timeout=3):
        if method is None:
            break
        print(int(body))
        channel.basic_ack(method.delivery_tag)


main(*sys.argv[1:])
