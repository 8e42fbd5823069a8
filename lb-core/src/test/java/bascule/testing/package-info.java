/// What tests need to run the whole program: its process, or the daemon in this process with clients and servers whose every byte
/// the test decides; the peers installed beside it; and the count of what code allocates. Tests of any package use it.
package bascule.testing;
