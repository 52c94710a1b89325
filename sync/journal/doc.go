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
// Files: domain.go says what an entry may hold, canonical.go and page.go its bytes;
// do.go and prepare.go decide, committer.go appends (group.go is what it is given, turns.go gives other nodes
// their turn, fresh.go finds answers of the store that are too old), follow.go takes in what others
// appended, state.go keeps what went wrong; iterate.go reads; store.go is what an engine
// must do.
//
// # What goes wrong, and who hears of it
//
// A branch is running, parked or stuck (Journal.States). Entries and pages that cannot
// be read or applied are parked: a small document remembers them, the watermark passes
// them, and the branch goes on; the next process that can read them applies them.
// /readyz answers 200 and lists parked branches, since a restart of this program would
// not help. A branch is stuck while the store does not take a page, and for good when a
// page continues another tree than the one that was followed, or when the last page
// cannot be read, so that nothing can be built on it: /readyz answers 503 and names the
// branch, Do waits in the first case and returns ErrStuck in the others. Other branches
// are touched by neither.
//
// # What stands in an entry of a command's payload
//
// Nothing of it: an entry keeps what the decision said (Draft.Said), by default a random
// salt and the SHA-256 of the salt and Command.Payload. That is for payloads that hold
// nothing personal. A room whose payloads do says a hash that is sealed under a key of
// the person's, and compares with Command.Same, as casework does: after an erasure
// nothing there tells what was asked.
//
// # Views
//
// A view has a name and generations, each with its own watermark (Generation). The
// built-in ones (records, feeds, receipts) are written by Commit; every other is a View
// that Views applies after the commit, from the pages, in order, so that a view that
// fails delays no caller. Rebuild fills a new generation beside the one that is read; Check
// compares pages and views; Sweeper removes what no phone has to be told any more.
//
// The rules of README.md that are kept now, and the tests that fail without them
// (storetest: in server/store/storetest, run on every engine):
//
//	J0  TestWhatCannotBeReadBackIsRefused, FuzzCodec
//	J1  TestDecisionsAreNeverAppendedOnOutdatedDocuments, TestAbsenceIsReadToo, TestAnswersRestOnReadsOfOneMoment,
//	    TestAKeyIsWrittenOnlyIfItWasRead
//	J2  TestUnclearAppendsHaveOneEffect, TestTwoNodesWithFaults, TestUnclearIsNeverCalledNothing;
//	    storetest TheSamePageAgainIsWelcome
//	J2a TestTheSlowerNodeGetsItsTurn, TestMarksOfTheDeadDelayOnce, TestOldAnswersAreNotBelieved,
//	    TestWithoutMarksNodesStillAppend, TestAStoreThatStaysOldKeepsNobodyWaiting; storetest OldAnswersAreNotBelieved
//	J3  TestNextNodeAppliesWhatADeadNodeStored, TestAnEntryThatCannotBeReadIsParked, TestAPageThatCannotBeReadIsParked,
//	    TestWhatNoStoreCanKeepIsParked; storetest WatermarkRisesInOrder,
//	    ViewsAreKept, WhatAViewCannotApplyIsParked; sqlitestore TestADamagedPageStopsNothing
//	J4  storetest OlderStatesDoNotWin
//	J5  storetest TombstonesStay, SweptIsWhatIsOld; TestTheFloorRisesWithRealTime; sync/offline floor_test.go
//	J6  TestAnnouncedPagesAreVisible, TestPagesOfOtherNodesAreAnnounced; sync/offline pull_test.go; storetest
//	    APullMissesNothing, FeedsStopAtTheWatermark
//	J7  sync/offline TestJ7AFeedBelongsToOneBranch; server/casework
//	    TestAPolicyIsPublishedOnceUnderTheOrganisationsEntry
//	J7a TestACopyGetsNoNumber; server/casework TestAMoveThatIsCutShortIsFinished, TestADebtorComesBack,
//	    TestACommandIsAnsweredOnceThoughItsCaseMoves
//	J8  server/casework TestADebtorHasOneHomeBranch, TestTwoBranchesClaimADebtorAtOnce
//	J9  storetest Rebuilds/ShowTheSame, Rebuilds/GoOn, ASwitchLosesNothing; server/cmd/doorstep
//	    TestRebuildAndFsckBesideARunningServer
//	J10 server/store/sqlitestore TestWritesAreDurableInOneFile; server/cmd/doorstep
//	    TestKilledTwentyTimesLosesNothingAcknowledged
//	J11 TestEdgeGivesTheTreeOfRFC6962, TestAPageOnAnotherTreeIsRefused, TestCanonicalBytesArePinned,
//	    TestPageBytesArePinned; server/audit proof_test.go,
//	    TestAnExportWithoutTheNewestVisitsFails
//	J12 TestPayloadsAreSaidWithASalt; sync/seal vault_test.go, reveal_test.go
//	J13 TestJ13RevisionsOfAnEpochAreAboveAllBefore; server TestJ13ARestoredBackupIsANewEpoch,
//	    TestARestoreThatCrashesIsDoneAgain; sync/offline TestJ13NumbersOfAnEpochBeginAboveAllBefore; server/audit
//	    TestJ13AnExportShowsItsRestores; server/casework TestP8WhatIsSentAgainAfterARestoreIsTakenWithItsOwnTime,
//	    TestP8AnOlderChangeUndoesNoNewerOne; server/cmd/doorstep TestARestoreDrill
//	J14 TestNewerSchemaIsRefusedNotMisread; server/record TestMembersOfNewerAppsAreKept
//	J15 TestLimitsAreRefusedBeforeNumbering, TestPagesStayWithinTheirLimits
//	J16 server/notify TestAlertLeftAtSendingByACrashIsRepeated, TestStopInTheMiddleLeavesSendingForTheNextStart
//	J17 server ids_test.go; storetest ReceiptsAreKeptForEver
//
// Of these rules the following is not kept yet:
//
//	J11 The organisation's journal does not record the roots of the branches: an operator who hides a whole branch is
//	    not found out by its entries.
//	J14 There is one schema, so nothing converts older entries, and no minimum is recorded: a program that meets
//	    entries of a newer one parks them, and appends nothing while the last page cannot be read.
//	J16 No message is sent to a debtor, so none is counted after a crash. Alerts to agents are kept by the rule.
package journal
