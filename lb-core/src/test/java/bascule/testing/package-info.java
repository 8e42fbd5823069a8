/// What tests need to run the whole program: its process and the peers installed beside it. Tests of any package use it.
package bascule.testing;
