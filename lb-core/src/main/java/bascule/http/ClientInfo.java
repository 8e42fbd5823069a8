package bascule.http;

/// Who is at the other end of a client connection. One per connection, kept for its life.
///
/// @param address the peer's address as text, without port: `192.0.2.1`, `2001:db8::1`; IPv4 is written as IPv4 on IPv6 sockets
/// @param addressAndPort the same with port, IPv6 in brackets
/// @param trusted is the peer one whose forwarded fields count?
/// @param localAuthority our own end as host and port, IPv6 in brackets: the Host of a request that named none
public record ClientInfo(
        byte[] address, byte[] addressAndPort, boolean trusted, byte[] localAuthority) {}
