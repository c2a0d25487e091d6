"""What `mqtt-in` and `mqtt-out` share: settings of a connection, and the connection.

It stands on paho-mqtt itself. aiomqtt, an asyncio layer over it, cannot leave the acknowledgement
of a message to its caller, and does not look at the reason code of a PUBACK: with it a message
could be acknowledged before it is safe, and a refused one taken for delivered (I1, I2).
"""
