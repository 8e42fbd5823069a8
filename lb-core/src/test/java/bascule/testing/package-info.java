/// What tests need to run the whole program: its process, or the daemon in this process with clients and servers whose every byte
/// the test decides; and the peers installed beside it. Tests of any package use it.
package bascule.testing;
