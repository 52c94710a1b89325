// Package journal is the heart: the ordered, hashed log of everything that
// happened in a branch, and the loop that appends to it.
//
// A change is decided by a pure function on documents that were read at a known
// watermark, checked against everything that came in between, numbered, hashed
// into the branch's Merkle tree and stored as one durable page by
// compare-and-append. Documents, feeds and receipts are views of the pages: they
// can be thrown away and made again. Nothing here needs transactions across
// documents, change streams or counters, so the same code runs on every engine
// that offers a unique key and range reads (Store).
//
// The package does not know what a case or a visit is. It knows entries, pages,
// documents with a type and an id, feeds, receipts and keys. Deciders are bound
// to it by casework, office and dispatch.
//
// A view has a name and generations, each with its own watermark (Generation). The
// built-in ones (records, feeds, receipts) are written by Commit; every other is a View
// that Views applies after the commit, from the pages, in order, so that a view that
// fails delays nobody. Rebuild fills a new generation beside the one that is read; Check
// compares pages and views; Sweeper removes what no phone has to be told any more.
//
// The rules of JOURNAL.md that are kept now, and the tests that fail without them
// (storetest: in server/store/storetest, run on every engine):
//
//	J1  TestDecisionsAreNeverAppendedOnOutdatedDocuments, TestAbsenceIsReadToo
//	J2  TestUnclearAppendsHaveOneEffect; storetest TheSamePageAgainIsWelcome
//	J3  TestNextNodeAppliesWhatADeadNodeStored; storetest WatermarkRisesInOrder, ViewsAreKept, WhatAViewCannotApplyIsParked
//	J4  storetest OlderStatesDoNotWin
//	J5  storetest TombstonesStay, SweptIsWhatIsOld; TestTheFloorRisesWithRealTime; sync/offline floor_test.go
//	J6  TestAnnouncedPagesAreVisible; sync/offline pull_test.go; storetest APullMissesNothing, FeedsStopAtTheWatermark
//	J8  server/casework TestADebtorHasOneHomeBranch, TestTwoBranchesClaimADebtorAtOnce
//	J9  storetest RebuildsShowTheSame, ARebuildGoesOn, ASwitchLosesNothing; server/cmd/doorstep TestRebuildAndFsckBesideARunningServer
//	J10 server/store/sqlitestore TestWritesAreDurableInOneFile; server/cmd/doorstep TestKilledTwentyTimesLosesNothingAcknowledged
//	J11 TestEdgeGivesTheTreeOfRFC6962, TestCanonicalBytesArePinned; server/audit proof_test.go, TestAnExportWithoutTheNewestVisitsFails
//	J12 sync/seal vault_test.go, reveal_test.go
//	J15 TestLimitsAreRefusedBeforeNumbering, TestPagesStayWithinTheirLimits
//	J16 server/notify TestAlertLeftAtSendingByACrashIsRepeated, TestStopInTheMiddleLeavesSendingForTheNextStart
//	J17 server ids_test.go; storetest ReceiptsAreKeptForEver
package journal
