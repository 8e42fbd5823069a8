/// What bounds a client, a server and the daemon itself: every limit and time-out with its status and its counter, and proofs
/// that memory, descriptors, allocation and system calls stay where they should.
package bascule.limits;
