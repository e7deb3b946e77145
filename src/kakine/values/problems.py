"""Every refusal the system can give, on one page.

A problem has a permanent `code` (never reused, never renamed), an HTTP `status`, a `title` for people, and
`facts`: a few fields that name what is missing. Facts hold rule names, counts and identifiers of organisations;
never a person, a code, a point or a key (`tests/attacks` greps for them).

`runtime.http` turns a problem into an RFC 9457 document at the border and back into the same class at the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

Fact = str | int | Sequence[str | int]

BY_CODE: dict[str, type[Problem]] = {}


class Problem(Exception):
    """Root of all refusals. Raise a subclass; catch the narrowest one you can act on."""

    code: ClassVar[str]
    status: ClassVar[int] = 422
    title: ClassVar[str]

    def __init__(self, **facts: Fact) -> None:
        self.facts = facts
        super().__init__(self.code)

    def __init_subclass__(cls) -> None:
        if cls.code in BY_CODE:
            raise TypeError(f"problem code {cls.code} is taken")
        BY_CODE[cls.code] = cls

    def __str__(self) -> str:
        named = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code}: {self.title}" + (f" ({named})" if named else "")


# --- values ---------------------------------------------------------------------------------------------------


class IdentifierMalformed(Problem):
    code = "identifier-malformed"
    title = "an identifier has the wrong length or characters"


class CheckDigitWrong(Problem):
    code = "check-digit-wrong"
    title = "the check digit does not fit the other digits"


class LabelMalformed(Problem):
    code = "label-malformed"
    title = "a label is not of the form it must have"


# --- crypto ---------------------------------------------------------------------------------------------------


class PointInvalid(Problem):
    code = "point-invalid"
    title = "not a canonical group element, or the identity"


class ScalarInvalid(Problem):
    code = "scalar-invalid"
    title = "not a scalar strictly between zero and the group order"


class ProofInvalid(Problem):
    code = "proof-invalid"
    title = "a proof does not hold"


class SignatureInvalid(Problem):
    code = "signature-invalid"
    title = "a signature does not verify"


class SealInvalid(Problem):
    code = "seal-invalid"
    title = "a sealed message cannot be opened with this key and context"


class WrappedCodeInvalid(Problem):
    code = "wrapped-code-invalid"
    title = "a code at rest cannot be unwrapped with this key and domain"


class InclusionInvalid(Problem):
    code = "inclusion-invalid"
    title = "an entry is not proved to be in the tree"


# --- wire -----------------------------------------------------------------------------------------------------


class NotCanonical(Problem):
    code = "not-canonical"
    status = 400
    title = "the bytes are not the one canonical form of a message"


class MessageMalformed(Problem):
    code = "message-malformed"
    status = 400
    title = "the request body does not decode to the message this call takes"


class MessageTooLarge(Problem):
    code = "message-too-large"
    status = 413
    title = "the request body is larger than this call takes"


# --- border ---------------------------------------------------------------------------------------------------


class CallerUnknown(Problem):
    code = "caller-unknown"
    status = 401
    title = "the call carries no verified identity"


class CallerNotAllowed(Problem):
    code = "caller-not-allowed"
    status = 403
    title = "this party may not make this call"


class RouteUnknown(Problem):
    code = "route-unknown"
    status = 404
    title = "this party offers no such call"


class PartyUnavailable(Problem):
    code = "party-unavailable"
    status = 503
    title = "a party did not answer; nothing was concluded, the same request may be sent again"


class RequestTooSlow(Problem):
    code = "request-too-slow"
    status = 408
    title = "the request did not arrive within its time"


class PartyStarting(Problem):
    code = "party-starting"
    status = 503
    title = "this party starts or stops and takes no calls; the same request may be sent again"


class StoreFailed(Problem):
    code = "store-failed"
    status = 503
    title = "the store did not confirm the write; nothing was concluded"


class InternalFault(Problem):
    code = "internal-fault"
    status = 500
    title = "an unexpected fault; nothing was concluded, the operator has been told"


# --- store ----------------------------------------------------------------------------------------------------


class StoreOutdated(Problem):
    code = "store-outdated"
    status = 503
    title = "this store was made by another version of the program; nothing was changed"


class StoreInUse(Problem):
    code = "store-in-use"
    status = 503
    title = "another process has this store open"


class ServerMissing(Problem):
    code = "postgres-missing"
    status = 503
    title = "PostgreSQL is not installed here: the Debian package is postgresql"


class ServerFailed(Problem):
    code = "postgres-failed"
    status = 503
    title = "the private PostgreSQL server could not be made, started or stopped; its log is data/server.log"


# --- gazette --------------------------------------------------------------------------------------------------


class PackMalformed(Problem):
    code = "pack-malformed"
    title = "a file of the legal pack is missing, not readable, or lacks a field"


class GazetteInconsistent(Problem):
    code = "gazette-inconsistent"
    title = "a gazette contradicts itself"


class GazetteNotNext(Problem):
    code = "gazette-not-next"
    status = 409
    title = "a gazette does not continue the chain of those published before"


class GazetteUnsigned(Problem):
    code = "gazette-unsigned"
    status = 403
    title = "a gazette lacks a signature that this kind of change needs"


class GazetteTooSoon(Problem):
    code = "gazette-too-soon"
    title = "a widening would take effect before its waiting time is over"


class GazetteNotNarrowing(Problem):
    code = "gazette-not-narrowing"
    status = 403
    title = "a change published as narrowing would allow something new"


class GazetteUnchanged(Problem):
    code = "gazette-unchanged"
    title = "a gazette changes nothing"


class GazetteNotLogged(Problem):
    code = "gazette-not-logged"
    title = "a ledger entry does not stand for this gazette"


class TextNotPublished(Problem):
    code = "text-not-published"
    status = 404
    title = "no log of this country has this very text: it was never published, or has been changed"


class PageDiffers(Problem):
    code = "page-differs"
    title = "a site serves something that is not as published"


class PageUnreachable(Problem):
    code = "page-unreachable"
    status = 502
    title = "a page or file that should be open to anybody did not come"


class PageListMalformed(Problem):
    code = "page-list-malformed"
    title = "a list of published scripts is not lines of SHA-256 and name, each name once"


class HarMalformed(Problem):
    code = "har-malformed"
    title = "a file of what a browser was given cannot be used"


class NoLawInForce(Problem):
    code = "no-law-in-force"
    status = 503
    title = "no gazette is in force at this time, so nothing is allowed"


class ProposalUnknown(Problem):
    code = "proposal-unknown"
    status = 404
    title = "no such proposal is open"


class PartyUnknown(Problem):
    code = "party-unknown"
    status = 403
    title = "the gazette in force names no such party"


class DomainUnknown(Problem):
    code = "domain-unknown"
    status = 403
    title = "the gazette in force names no such domain"


class ProcedureUnknown(Problem):
    code = "procedure-unknown"
    status = 403
    title = "the gazette in force names no such procedure"


class RowUnknown(Problem):
    code = "row-unknown"
    status = 403
    title = "the gazette in force has no such row"


class RowNotOfProcedure(Problem):
    code = "row-not-of-procedure"
    status = 403
    title = "a row belongs to another procedure than the one asked under"


class RowNotInForce(Problem):
    code = "row-not-in-force"
    status = 403
    title = "a row has not started yet"


class RequesterNotEntitled(Problem):
    code = "requester-not-entitled"
    status = 403
    title = "the requester may not ask under this procedure"


class ProviderNotEntitled(Problem):
    code = "provider-not-entitled"
    status = 403
    title = "the provider may not give this item under this row"


class AssessmentMissing(Problem):
    code = "assessment-missing"
    status = 403
    title = "no published impact assessment covers the file (Number Act, art. 28)"


class AssessmentExpired(Problem):
    code = "assessment-expired"
    status = 403
    title = "the impact assessment of the file is past its review date"


class Suspended(Problem):
    code = "suspended"
    status = 403
    title = "suspended by the gazette in force"


class GroundUnknown(Problem):
    code = "ground-unknown"
    status = 403
    title = "the gazette in force knows no such ground"


class GroundNotForParties(Problem):
    code = "ground-not-for-parties"
    status = 403
    title = "this ground does not cover this requester and provider"


# --- ledger ---------------------------------------------------------------------------------------------------


class ConsistencyInvalid(Problem):
    code = "consistency-invalid"
    title = "one tree is not proved to be the beginning of the other"


class CheckpointInvalid(Problem):
    code = "checkpoint-invalid"
    title = "the bytes are not a checkpoint of this log"


class RangeOutside(Problem):
    code = "range-outside"
    status = 404
    title = "the tree has no such range or size"


class FilingMismatch(Problem):
    code = "filing-mismatch"
    title = "a filing does not cover what it came with"


class EntryKindNotAllowed(Problem):
    code = "entry-kind-not-allowed"
    status = 403
    title = "this party may not file entries of this kind"


class TagConflict(Problem):
    code = "tag-conflict"
    status = 409
    title = "a tag is taken by another entry, or only some of the tags are known"


class TagUnknown(Problem):
    code = "tag-unknown"
    status = 404
    title = "no entry was filed under this tag"


class LedgerDiverged(Problem):
    code = "ledger-diverged"
    status = 503
    title = (
        "entries, tree and checkpoint of the ledger do not agree; it serves nothing until a human has looked"
    )


# --- completeness ---------------------------------------------------------------------------------------------


class SealNotAllowed(Problem):
    code = "seal-not-allowed"
    status = 403
    title = "the law does not let this be withheld from its person, or not so long"


class UnsealRefused(Problem):
    code = "unseal-refused"
    status = 409
    title = "this record keeper has no such sealed entry, or its day has not come, or it has been opened"


class UnsealMismatch(Problem):
    code = "unseal-mismatch"
    title = "a sealed entry is shown without what opens it, or what opens it without the entry, or too early"


class IndexRootInvalid(Problem):
    code = "index-root-invalid"
    title = "what a record keeper says of an index cannot be true of any"


class IndexRowsInvalid(Problem):
    code = "index-rows-invalid"
    title = "rows of an index are out of order, twice, or of entries that they cannot be of"


class IndexProofInvalid(Problem):
    code = "index-proof-invalid"
    title = "what is shown does not prove that an index has a row, or has none"


class IndexChainBroken(Problem):
    code = "index-chain-broken"
    title = "an index does not begin where the one before it ended"


class IndexNotLogged(Problem):
    code = "index-not-logged"
    title = "the log has no such index in this place, or one that nobody has published"


class IndexTotalWrong(Problem):
    code = "index-total-wrong"
    title = "an index does not have as many entries of a day as the log"


class IndexRowHidden(Problem):
    code = "index-row-hidden"
    title = "the index has entries of this list that the list does not show"


class IndexRowMissing(Problem):
    code = "index-row-missing"
    title = "the list shows entries that the index does not have in it"


class IndexListDiffers(Problem):
    code = "index-list-differs"
    title = "the index has as many entries of this list as are shown, but others"


class IndexKeepersDiffer(Problem):
    code = "index-keepers-differ"
    title = "two record keepers do not have the same lists of the same entries"


class CountInvalid(Problem):
    code = "count-invalid"
    title = "what a converter says of its releases cannot be true of any"


class CountMismatch(Problem):
    code = "count-mismatch"
    title = "what a converter says of its releases is not what it shows, or not what the log has"


class CountChainBroken(Problem):
    code = "count-chain-broken"
    title = "a converter's statement does not begin where the one before it ended"


class CountConflict(Problem):
    code = "count-conflict"
    status = 409
    title = "a converter's store does not have the releases that its own statements name; a human has to look"


class PlaceStated(Problem):
    code = "place-stated"
    status = 409
    title = "the converter has already stated what it released in this part of the log"


class OutcomeUnreleased(Problem):
    code = "outcome-unreleased"
    title = "the log has more outcomes than requests that every converter released"


class HeadNotExtending(Problem):
    code = "head-not-extending"
    status = 409
    title = "the head does not extend the last one that was signed; nothing was signed"


class LedgerBehind(Problem):
    code = "ledger-behind"
    status = 503
    title = (
        "the ledger's store lacks entries under a head that was signed, as one put back from a backup does; "
        "it serves nothing, and a human must declare this log dead"
    )


class LedgerForked(Problem):
    code = "ledger-forked"
    status = 503
    title = (
        "the ledger's store has other entries than a head that was signed; "
        "it serves nothing, and a human must declare this log dead"
    )


class LogClosed(Problem):
    code = "log-closed"
    status = 410
    title = "this log has ended, or takes nothing new about people before it does; the next one is asked"


class LogNotOver(Problem):
    code = "log-not-over"
    status = 409
    title = "the year of this log is not over in Japan, or what it has is not settled yet"


class LogAlive(Problem):
    code = "log-alive"
    status = 409
    title = "the log agrees with everybody who keeps its heads; only one that does not can be declared dead"


class LogListBroken(Problem):
    code = "log-list-broken"
    title = "the opening of a log is not the next of the list, or the new log does not begin with it"


class FinalHeadBehind(Problem):
    code = "final-head-behind"
    status = 409
    title = "a log is said to have ended before a head that was seen of it"


class NotWitnessed(Problem):
    code = "not-witnessed"
    status = 404
    title = "no checkpoint that enough witnesses have signed covers this yet"


# --- witnesses ------------------------------------------------------------------------------------------------


class SubmissionMalformed(Problem):
    code = "submission-malformed"
    status = 400
    title = "not an add-checkpoint request, or its old size is beyond its checkpoint"


class OriginUnknown(Problem):
    code = "origin-unknown"
    status = 404
    title = "this witness does not follow a log of that origin"


class LogKeyUnknown(Problem):
    code = "log-key-unknown"
    status = 403
    title = "no key that is known for this log has signed the checkpoint"


class OldSizeMismatch(Problem):
    code = "old-size-mismatch"
    status = 409
    title = "the old size is not that of the last checkpoint that was cosigned"


class HeadForked(Problem):
    code = "head-forked"
    status = 409
    title = "the log has signed two roots for one size"


class HeadMoved(Problem):
    code = "head-moved"
    status = 503
    title = "another head was stored meanwhile; nothing was concluded"


class LogBehind(Problem):
    code = "log-behind"
    status = 409
    title = "a witness has seen a longer log than the one that is shown"


class HeadStale(Problem):
    code = "head-stale"
    title = "too few of the policy's witnesses have signed the head lately; what is newer may be kept back"


class RememberedMalformed(Problem):
    code = "remembered-malformed"
    title = "the file is not one that a reading has left to compare the next one with"


class CosignatureMissing(Problem):
    code = "cosignature-missing"
    title = "the witness's answer holds no cosignature of its known key"


class SettingsMalformed(Problem):
    code = "settings-malformed"
    status = 400
    title = "the settings file is not what it must be"


class SettingsRefused(Problem):
    code = "settings-refused"
    status = 400
    title = "a process of these settings may not start: the checks that are named fail"


class SystemRefused(Problem):
    code = "system-refused"
    status = 400
    title = "the system refused a file, a folder or a connection that a command needs"


class BackupUnreadable(Problem):
    code = "backup-unreadable"
    status = 400
    title = "this is no whole backup of this party that the given key opens; nothing was put back"


class BackupKeyMalformed(Problem):
    code = "backup-key-malformed"
    status = 400
    title = "this is no key for backups: a public one begins with age1, a private one with AGE-SECRET-KEY-1"


class BackupKeyHere(Problem):
    code = "backup-key-here"
    status = 409
    title = (
        "whoever has the party would open its backups: the private key of this recipient is the party's own or lies "
        "beside it"
    )


class BackupFailed(Problem):
    code = "backup-failed"
    status = 503
    title = "the backup could not be made; no file was left"


class StorePresent(Problem):
    code = "store-present"
    status = 409
    title = "the folder has a store, and a backup is put back only where there is none"


class StorePutBack(Problem):
    code = "store-put-back"
    status = 409
    title = (
        "the store was put back from a backup and lacks what was logged since; it cannot be told to be whole"
    )


class SignerBehind(Problem):
    code = "signer-behind"
    status = 503
    title = (
        "others have seen a head that this signer's store does not know it signed, as one put back from a backup does; "
        "it signs nothing, and a human must declare this log dead"
    )


class TlsUnusable(Problem):
    code = "tls-unusable"
    status = 400
    title = "the file with a party's own certificate and key, or that of the roots, cannot be used"


# --- residents ------------------------------------------------------------------------------------------------


class NotAMunicipality(Problem):
    code = "not-a-municipality"
    status = 403
    title = "the organisation is not a municipality"


class ItemsIncomplete(Problem):
    code = "items-incomplete"
    title = "an item to match with is blank, and a blank would agree with anybody"


class MatchNone(Problem):
    code = "match-none"
    status = 404
    title = "nobody agrees in every item; ask the person"


class MatchMany(Problem):
    code = "match-many"
    status = 409
    title = "several people agree in every item; ask the person"


class MissesUsedUp(Problem):
    code = "misses-used-up"
    status = 429
    title = (
        "the caller has named as many people in vain today as the registry allows; `left` may still be named"
    )


class ItemMalformed(Problem):
    code = "item-malformed"
    title = "a basic item is blank, too long, or has characters that cannot be printed"


class DateOutside(Problem):
    code = "date-outside"
    title = "a date lies in the future, or before the events it must follow"


class KeyReused(Problem):
    code = "key-reused"
    status = 409
    title = "the key of this report was used for another one"


class PersonUnknown(Problem):
    code = "person-unknown"
    status = 404
    title = "no resident has this number and birth date"


class NumberRetired(Problem):
    code = "number-retired"
    status = 410
    title = "this number is no longer anybody's; ask the person for the present one"


class PersonExists(Problem):
    code = "person-exists"
    status = 409
    title = "somebody who agrees in every item is entered already; a distinct person needs a reason"


class NobodyToDistinguish(Problem):
    code = "nobody-to-distinguish"
    title = "an entry claims to be distinct from somebody, but nobody entered agrees in every item"


class PersonDeceased(Problem):
    code = "person-deceased"
    status = 409
    title = "the resident is dead; the record takes no more events"


class NotTheirMunicipality(Problem):
    code = "not-their-municipality"
    status = 403
    title = "the resident is recorded in another municipality, which alone may report this"


class NotMovedOut(Problem):
    code = "not-moved-out"
    status = 403
    title = "the municipality of record has not reported, of late, that the resident leaves for this one"


class NothingChanged(Problem):
    code = "nothing-changed"
    title = "the report would leave the record as it is"


class NoFreeNumber(Problem):
    code = "no-free-number"
    status = 503
    title = "every number drawn was taken, so the source of randomness must be looked at"


class NumbersInconsistent(Problem):
    code = "numbers-inconsistent"
    status = 503
    title = "the numbers in the store break a rule of numbering; a human has to look"


# --- conversion and records -----------------------------------------------------------------------------------


class PeopleFileMalformed(Problem):
    code = "people-file-malformed"
    title = "the file of people to ask about has a line that is none; nobody was asked"


class JobOver(Problem):
    code = "job-over"
    status = 409
    title = "exactly this was asked before and its answers were handed over"


class JobIncomplete(Problem):
    code = "job-incomplete"
    status = 409
    title = "people of a job are missing here, or not everybody has been asked about"


class ExpiredRequest(Problem):
    code = "request-expired"
    status = 410
    title = "the request is too old to go on; ask anew"


class BootFence(Problem):
    code = "boot-fence"
    status = 409
    title = "an unknown request from before this converter started; ask anew"


class QuotaExceeded(Problem):
    code = "quota-exceeded"
    status = 429
    title = "this link has converted as many people today as a converter's operator allows"


class BatchReused(Problem):
    code = "batch-reused"
    status = 409
    title = "this batch id has been used for another request"


class EpochNotInForce(Problem):
    code = "epoch-not-in-force"
    status = 409
    title = "the request names another key epoch of a domain than the gazette in force"


class RequestUnknown(Problem):
    code = "request-unknown"
    status = 404
    title = "this party has taken part in no such request"


class LinkWithheld(Problem):
    code = "link-withheld"
    status = 403
    title = "a converter withholds its share of this link"


class DomainNotEnrolled(Problem):
    code = "domain-not-enrolled"
    title = "a converter holds no share for this domain and epoch"


class ExchangeUsed(Problem):
    code = "exchange-used"
    status = 409
    title = "this exchange has been released under another request or position"


class GroundUnfit(Problem):
    code = "ground-unfit"
    title = "this ground does not cover this kind of conversion"


class AreaUnknown(Problem):
    code = "area-unknown"
    title = "nobody gives data of this area"
    status = 404


class OwnDataUnfit(Problem):
    code = "own-data-unfit"
    title = "what came is not one answer of each holder of the area, of its own items"


class AnswerNotAllowed(Problem):
    code = "answer-not-allowed"
    status = 403
    title = "the provider's own check of the gazette or the request refuses the answer"


class PersonNotKnown(Problem):
    code = "person-not-known"
    status = 404
    title = "the domain has no code under this local reference"


class DomainNotRun(Problem):
    code = "domain-not-run"
    status = 404
    title = "this gateway does not run that domain"


class CopyOutdated(Problem):
    code = "copy-outdated"
    status = 409
    title = "a copy of the same or a later source version is here already"


class LayoutViolated(Problem):
    code = "layout-violated"
    title = "the data does not fit the layout of its item"


class RecordRefused(Problem):
    code = "record-refused"
    title = "a code in the batch is not in the record keeper's table; nothing of the batch is converted"


class OutcomeConflict(Problem):
    code = "outcome-conflict"
    status = 409
    title = "another outcome has been filed for this exchange"


class FilingUnknown(Problem):
    code = "filing-unknown"
    status = 404
    title = "no such request has been filed"


class AccountUnknown(Problem):
    code = "account-unknown"
    status = 404
    title = "the portal has no login code for this account"


class PersonNotEnrolled(Problem):
    code = "person-not-enrolled"
    status = 404
    title = "the registry has no code for this person yet"


class BatchMalformed(Problem):
    code = "batch-malformed"
    title = "vectors, entries or envelopes of a batch do not have the length its header says"


class OutsideWindow(Problem):
    code = "outside-window"
    title = "the request or its receipt is too old, or from the future"


class ReceiptMismatch(Problem):
    code = "receipt-mismatch"
    title = "the receipt is for another request, other entries or other points"


class HopMismatch(Problem):
    code = "hop-mismatch"
    title = "the hop records do not form a chain over these points"


class HistoryIncomplete(Problem):
    code = "history-incomplete"
    title = "the list does not have the rows that the record keeper has signed for, or had before"


class TrustChanged(Problem):
    code = "trust-changed"
    title = "the keys or the policy are not those that the reader believes; compare them with the gazette"


class OpeningMismatch(Problem):
    code = "opening-mismatch"
    title = "an opened commitment is not the one in the entry, or does not fit the request"


class RecordMismatch(Problem):
    code = "record-mismatch"
    title = "the filed record does not say what the request in hand says"


class LayoutUnknown(Problem):
    code = "layout-unknown"
    title = "there is no layout of this item in this version"


# --- retention ------------------------------------------------------------------------------------------------


class RetentionRunning(Problem):
    code = "retention-running"
    status = 409
    title = "the month for which these records are kept is not over yet"


class MonthDestroyed(Problem):
    code = "month-destroyed"
    status = 410
    title = "the key of this month has been destroyed and is never made again"


class PartitionDropped(Problem):
    code = "partition-dropped"
    status = 410
    title = "the sealed records of this month are being dropped or have been; nothing is filed there any more"


class ErasureMismatch(Problem):
    code = "erasure-mismatch"
    status = 409
    title = "what is said about an erased month does not agree with the log, or with what others say"


class ErasureConflict(Problem):
    code = "erasure-conflict"
    status = 409
    title = "this month is being erased, or was, under another order"


class ErasureOutOfOrder(Problem):
    code = "erasure-out-of-order"
    status = 409
    title = "a step of an erasure comes before one that it waits for"


class HoldInvalid(Problem):
    code = "hold-invalid"
    title = "a hold names no reason of the list, or places that are not records of one month that can still be held"


class HoldUnknown(Problem):
    code = "hold-unknown"
    status = 404
    title = "there is no such hold, or it has been lifted"


# --- institutions and the command line ------------------------------------------------------------------------


class EntryNotTaken(Problem):
    code = "entry-not-taken"
    title = "the registry did not take an entry that a town sent"


class CodeNotIssued(Problem):
    code = "code-not-issued"
    title = "the registry did not give an agency the code of somebody it has a file of"


class PortTaken(Problem):
    code = "port-taken"
    status = 409
    title = "another program listens at this port: name another, or 0 for any"


class CountryMissing(Problem):
    code = "country-missing"
    status = 404
    title = "no country was run in this folder"


class ApplicationRefused(Problem):
    code = "application-refused"
    status = 409
    title = (
        "an application to join the country asks for what nobody can apply for, or is not the one that stands"
    )


class FolderInUse(Problem):
    code = "folder-in-use"
    status = 409
    title = "the folder is not empty, and a country is made in an empty one only"


class DemoDiffers(Problem):
    code = "demo-differs"
    status = 409
    title = "the folder holds a demonstration of another size or seed"


class PromiseBroken(Problem):
    code = "promise-broken"
    title = "the demonstration did not show what it must show"


# --- audit ----------------------------------------------------------------------------------------------------


class HopAtFault(Problem):
    code = "hop-at-fault"
    status = 409
    title = "a converter's own signed statements show that it did not convert as it had to"


class WindowMismatch(Problem):
    code = "window-mismatch"
    status = 409
    title = "what was filed in this window is not what went through the chain"


class LinkMismatch(Problem):
    code = "link-mismatch"
    status = 409
    title = "a converter's published values of a link do not fit together"


class NotEvidence(Problem):
    code = "not-evidence"
    title = "what is shown does not prove what it is shown for"


class DomainMoving(Problem):
    code = "domain-moving"
    status = 503
    title = "the codes of this domain are on their way to another key epoch; nothing is asked or answered meanwhile"


class ObjectionUnfit(Problem):
    code = "objection-unfit"
    status = 409
    title = "this entry of the list cannot be objected to, or has been already"


class ObjectionInvalid(Problem):
    code = "objection-invalid"
    title = "what is shown does not prove an objection to this entry by whoever has it in the own list"


class ObjectionOpen(Problem):
    code = "objection-open"
    status = 409
    title = "the objection cannot be settled yet: the exchange may still be released"


class ClaimUnfit(Problem):
    code = "claim-unfit"
    status = 409
    title = "this claim cannot be passed on, or is none that this agency has, or has been answered already"


class ExchangeUnknown(Problem):
    code = "exchange-unknown"
    status = 404
    title = "this converter has released no such exchange"


class AnswerMismatch(Problem):
    code = "answer-mismatch"
    title = "the commission's answer is not the one in the log, or is to another objection"


class AnswerUnasked(Problem):
    code = "answer-unasked"
    title = "the log has more answers of the commission than objections before them"


class EnrolmentUnknown(Problem):
    code = "enrolment-unknown"
    status = 404
    title = "the registry has no such enrolment to show"


# --- receipts in files ----------------------------------------------------------------------------------------


class ReceiptMalformed(Problem):
    code = "receipt-malformed"
    title = "the bytes are not a receipt file"


class PolicyMalformed(Problem):
    code = "policy-malformed"
    title = "the bytes are not a policy that names logs, witnesses and a quorum"


class ScanUnreadable(Problem):
    code = "scan-unreadable"
    title = "the text is not of QR codes of one receipt, record or page, or was not read whole"


class PageMalformed(Problem):
    code = "page-malformed"
    title = "the bytes are not the one form of a signed page"


class PageSignerUnknown(Problem):
    code = "page-signer-unknown"
    title = "the page names a signer that is not among the keys believed"


class GlyphMissing(Problem):
    code = "glyph-missing"
    title = "the font for paper does not have a sign of this text"


class RecordFileMalformed(Problem):
    code = "record-file-malformed"
    title = "the bytes are not the one form of a record file"


class LogNotInPolicy(Problem):
    code = "log-not-in-policy"
    title = "the checkpoint is of a log that the policy does not name"


class QuorumMissing(Problem):
    code = "quorum-missing"
    title = "too few of the policy's witnesses have signed the checkpoint"


# --- tiles ----------------------------------------------------------------------------------------------------


class TileInvalid(Problem):
    code = "tile-invalid"
    title = "a static file of the log does not hold what it must hold"


class TileMissing(Problem):
    code = "tile-missing"
    status = 404
    title = "a static file of the log is not there"


# --- monitor --------------------------------------------------------------------------------------------------


class MonitorMemoryInvalid(Problem):
    code = "monitor-memory-invalid"
    status = 409
    title = "what the monitor kept of the log does not fit the head it kept"


class EvidenceMalformed(Problem):
    code = "evidence-malformed"
    title = "the folder does not hold evidence in the form it must have"


# --- card -----------------------------------------------------------------------------------------------------


class ApduMalformed(Problem):
    code = "apdu-malformed"
    status = 400
    title = "the bytes are no command or answer of a chip"


class TlvMalformed(Problem):
    code = "tlv-malformed"
    status = 400
    title = "the bytes are not tagged objects in their shortest form"


class CardRefused(Problem):
    code = "card-refused"
    status = 403
    title = "the card refused the command; the status word says why"


class CardBlocked(Problem):
    code = "card-blocked"
    status = 403
    title = "the secret is blocked; the counter can give a new one"


class CardSecretWrong(Problem):
    code = "card-secret-wrong"
    status = 403
    title = "the PIN or password is not the card's"


class CardSecretMalformed(Problem):
    code = "card-secret-malformed"
    title = "a PIN or password does not have the form that this card asks for"


class CardStateUnfit(Problem):
    code = "card-state-unfit"
    status = 409
    title = "the card is at another point of its life than this step needs"


class CardSecretUnknown(Problem):
    code = "card-secret-unknown"
    status = 404
    title = "this card has no such secret"


class CardMissing(Problem):
    code = "card-missing"
    status = 404
    title = "there is no card in this file"


class CardExists(Problem):
    code = "card-exists"
    status = 409
    title = "the file is there already; a card is never written over"


class CardDataMalformed(Problem):
    code = "card-data-malformed"
    title = "what is to be written on the card is not of the form it must have"


class CardCertificateUnfit(Problem):
    code = "card-certificate-unfit"
    title = "the certificate is not one that this card can hold for its key"


class ChipKeyUnfit(Problem):
    code = "chip-key-unfit"
    title = "this key of the chip cannot do that with this input"


class ReaderUnreachable(Problem):
    code = "reader-unreachable"
    status = 503
    title = "no card reader listens at this address"


# --- certificates -----------------------------------------------------------------------------------------------


class RequestMalformed(Problem):
    code = "csr-malformed"
    title = "not a certification request (PKCS#10, DER)"


class PossessionUnproved(Problem):
    code = "csr-possession-unproved"
    title = "the request is not signed by the key that it asks a certificate for"


class KeyNotAllowed(Problem):
    code = "csr-key-not-allowed"
    title = "the profile does not allow this kind of key or hash"


class KeyAlreadyCertified(Problem):
    code = "csr-replayed"
    status = 409
    title = "this key has been certified or asked for before"


class ProfileUnknown(Problem):
    code = "certificate-profile-unknown"
    title = "there is no such profile, or this call does not issue it"


class VoucherInvalid(Problem):
    code = "voucher-invalid"
    title = "the registry has not vouched for this request, or not now"


class VoucherUsed(Problem):
    code = "voucher-used"
    status = 409
    title = "what the registry vouched for was used for another request"


class VoucherRefused(Problem):
    code = "voucher-refused"
    title = "the registry does not vouch for such a certificate"


class CertificateMalformed(Problem):
    code = "certificate-malformed"
    title = "not a certificate"


class CertificateForged(Problem):
    code = "certificate-forged"
    title = "the certificate was not issued by a root for its use"


class CertificateExpired(Problem):
    code = "certificate-expired"
    title = "the certificate is not valid at this time"


class CertificateUnfit(Problem):
    code = "certificate-unfit"
    title = "the certificate is for another use, or holds what is not understood"


class CertificateRevoked(Problem):
    code = "certificate-revoked"
    title = "the certificate is revoked or suspended"


class CertificateUnknown(Problem):
    code = "certificate-unknown"
    status = 404
    title = "no such certificate was issued here"


class CertificateNotHeld(Problem):
    code = "certificate-not-held"
    status = 409
    title = "only a certificate on hold can be released"


class CertificateForeign(Problem):
    code = "certificate-foreign"
    title = "the log has a certificate of this account that its holder does not have"


class CertificateUnlogged(Problem):
    code = "certificate-unlogged"
    title = "the certificate is in no batch of the log"


class StatusListInvalid(Problem):
    code = "status-list-invalid"
    title = "the status list, its head, or a step between two does not verify"


class StatusListStale(Problem):
    code = "status-list-stale"
    title = "the status list is too old to say anything now"


class StatusListUnknown(Problem):
    code = "status-list-unknown"
    status = 404
    title = "no such status list, or the certificate stands in another"


class StatusIndexOutside(Problem):
    code = "status-index-outside"
    title = "the status list has no such place"


class PartitionUnknown(Problem):
    code = "partition-unknown"
    status = 404
    title = "there is no revocation list of this name"


class BatchesBroken(Problem):
    code = "issuance-batches-broken"
    title = "batches of issued certificates do not follow one another or their digests"


class KeyStoreFailed(Problem):
    code = "key-store-failed"
    status = 500
    title = "a key of the authority cannot be had as it must be"


# --- login ----------------------------------------------------------------------------------------------------


class LoginRequestMalformed(Problem):
    code = "login-request-malformed"
    status = 400
    title = "a login request lacks a parameter, has one twice, or one that this provider does not take"


class ClientUnauthenticated(Problem):
    code = "client-unauthenticated"
    status = 401
    title = "the relying party did not prove who it is: unknown, another key or algorithm, another audience, or too old"


class AssertionReplayed(Problem):
    code = "assertion-replayed"
    status = 401
    title = "an assertion or proof was used before, or is older than this provider's start"


class RedirectMismatch(Problem):
    code = "redirect-mismatch"
    status = 400
    title = (
        "the address to come back to is not, letter by letter, one that the law names for this relying party"
    )


class PkceMissing(Problem):
    code = "pkce-missing"
    status = 400
    title = "a login request has no S256 code challenge, or its redemption no verifier that fits it"


class DpopMissing(Problem):
    code = "dpop-missing"
    status = 400
    title = "a token is asked for or shown without a proof of possession"


class DpopInvalid(Problem):
    code = "dpop-invalid"
    status = 400
    title = "a proof of possession is of another key, call, token or time, or of another algorithm"


class ScopeNotAllowed(Problem):
    code = "scope-not-allowed"
    status = 400
    title = "the law does not allow this relying party what it asks for"


class RequestUriUnknown(Problem):
    code = "request-uri-unknown"
    status = 400
    title = "the pushed request was used, has expired, or is another relying party's"


class CodeUnknown(Problem):
    code = "code-unknown"
    status = 400
    title = "the authorization code was used, has expired, or was given to somebody else"


class TokenUnknown(Problem):
    code = "token-unknown"
    status = 401
    title = "the access token is not one of this provider's, or has expired"


class InteractionUnknown(Problem):
    code = "interaction-unknown"
    status = 403
    title = "no login is under way in this browser, it has expired, or it is not at this step"


class OriginRefused(Problem):
    code = "origin-refused"
    status = 403
    title = "the call does not come from the one page that may make it"


class LoginNotKnown(Problem):
    code = "login-not-known"
    status = 403
    title = "this card, passkey or paper code opens no account here"


class CardProofInvalid(Problem):
    code = "card-proof-invalid"
    status = 403
    title = "the card's proof is not over this login, or its nonce was used before"


class CardNotTrusted(Problem):
    code = "card-not-trusted"
    status = 403
    title = "the card's certificate is not one for logging in, or does not stand now"


class PasskeyInvalid(Problem):
    code = "passkey-invalid"
    status = 403
    title = "the passkey's answer is not over this login at this origin"


class AssuranceNotMet(Problem):
    code = "assurance-not-met"
    status = 403
    title = "the step needs a login by card or at a counter"


class SessionUnknown(Problem):
    code = "session-unknown"
    status = 403
    title = "nobody is logged in in this browser, or no longer; nothing was taken"


class FormUnfit(Problem):
    code = "form-unfit"
    status = 400
    title = "what was sent is not a form of this session's pages"


class FormSpent(Problem):
    code = "form-spent"
    status = 409
    title = "this form was sent before, and counted then"


class HostRefused(Problem):
    code = "host-refused"
    status = 421
    title = "this site is not served under that host"


class VoucherUnfit(Problem):
    code = "voucher-unfit"
    status = 403
    title = (
        "only the residents' desk of a municipality can vouch for a person, for one account, for a short time"
    )


class LossCodeUnknown(Problem):
    code = "loss-code-unknown"
    status = 404
    title = "no card is reported lost by this code: it is misread, or another has taken its place"


class LinkRefused(Problem):
    code = "link-refused"
    status = 403
    title = "no present certificate of this key follows that one, or that one was not ended by a renewal"


class LinkInvalid(Problem):
    code = "link-invalid"
    status = 403
    title = "the authority has not said this of these two certificates to this relying party"


class GrantUnknown(Problem):
    code = "latest-grant-unknown"
    status = 400
    title = "the grant is changed, of another provider, or of another relying party or key"


class ConsentUnknown(Problem):
    code = "latest-consent-unknown"
    status = 404
    title = "there is no such consent in the person's own history"


class ConsentOver(Problem):
    code = "latest-consent-over"
    status = 400
    title = "the person's consent to this grant has ended"


class VisitUnknown(Problem):
    code = "visit-unknown"
    status = 403
    title = "there is no such visit at the portal, it is over, or its way in stands no more"


class StepUpNeeded(Problem):
    code = "step-up-needed"
    status = 403
    title = "the act needs a card and a passkey shown in this visit, or a paper code from a counter"


class CounterNeeded(Problem):
    code = "counter-needed"
    status = 403
    title = "what protects a person is taken away only with a paper code from a counter, shown in this visit"


class ActUnknown(Problem):
    code = "act-unknown"
    status = 404
    title = "this account has no such act under way, or its kind is not known"


class ActOver(Problem):
    code = "act-over"
    status = 409
    title = "the time in which the act could be undone is over; ask for the opposite, or go to a counter"


class ActImpossible(Problem):
    code = "act-impossible"
    status = 409
    title = "whoever would have to do it does not know the person, or a human has to decide there"


class ActUnderWay(Problem):
    code = "act-under-way"
    status = 409
    title = "there is an act of this kind that can still be undone; undo it first, or wait"


class ActsTooMany(Problem):
    code = "acts-too-many"
    status = 409
    title = "too many acts of this account are under way; undo one, or wait"


class WayInUnknown(Problem):
    code = "way-in-unknown"
    status = 404
    title = "the account has no such way in, or it is being removed already"


class LastWayIn(Problem):
    code = "last-way-in"
    status = 409
    title = "it is the account's last card, or its last way in: a counter can end it, and gives another"


class PinRefused(Problem):
    code = "pin-refused"
    status = 403
    title = "the card did not sign: no card, a wrong PIN, or the holder said no"


# --- delegation -----------------------------------------------------------------------------------------------


class MandateUnfit(Problem):
    code = "mandate-unfit"
    status = 403
    title = "a mandate cannot be made like this: by this way, for so long, for nothing, for oneself, or one too many"


class MandateNotInForce(Problem):
    code = "mandate-not-in-force"
    status = 403
    title = "there is no mandate in force for this"


class DelegateCodeUnknown(Problem):
    code = "delegate-code-unknown"
    status = 403
    title = "nobody stands by under this code: it was used, has expired, or was never given"


class ActingForAnother(Problem):
    code = "acting-for-another"
    status = 403
    title = "this step is for the person alone, not for whoever acts for them"


# --- desk of an agency ----------------------------------------------------------------------------------------


class DeskLoginUnknown(Problem):
    """The same for every reason, so that nobody learns who works there."""

    code = "desk-login-unknown"
    status = 401
    title = "no such way in: it is wrong, used, expired, or of somebody who may not log in"


class DeskRoleLacking(Problem):
    code = "desk-role-lacking"
    status = 403
    title = "this needs another role at the desk"


class DeskPassphraseWeak(Problem):
    code = "desk-passphrase-weak"
    title = "the passphrase is too short, or the two are not the same"


class DeskStaffUnknown(Problem):
    code = "desk-staff-unknown"
    status = 404
    title = "no such person at this desk"


class DeskQuotaExceeded(Problem):
    code = "desk-quota-exceeded"
    status = 429
    title = "more than the rules of the desk allow for a day or a case"


class DeskJournalBroken(Problem):
    code = "desk-journal-broken"
    status = 500
    title = "the journal of the desk does not fit together"


class CaseUnknown(Problem):
    """The same for a case that does not exist and for one of somebody else."""

    code = "case-unknown"
    status = 404
    title = "no such case among those of this person"


class CaseNotOpen(Problem):
    code = "case-not-open"
    status = 409
    title = "the case is closed, or waits for a second person"


class CaseOnKin(Problem):
    code = "case-on-kin"
    status = 403
    title = "a case on oneself or a relative is for a colleague"


class SecondPersonNeeded(Problem):
    code = "second-person-needed"
    status = 403
    title = "this is for a supervisor of the case's unit who did not open it"


class ReferenceUnfit(Problem):
    code = "reference-unfit"
    title = "not a reference of the agency's own files; an individual number is never taken here"


class RowByHand(Problem):
    code = "row-by-hand"
    status = 409
    title = "of a person under protection, this row is not asked at the desk: which office answers would tell the place"


class InquiryUnknown(Problem):
    code = "inquiry-unknown"
    status = 404
    title = "no such question in this case"


# --- staff and the commission's console -------------------------------------------------------------------------


class StaffUnknown(Problem):
    code = "staff-unknown"
    status = 403
    title = "nobody who works here comes in or confirms with this"


class StaffMalformed(Problem):
    code = "staff-malformed"
    title = "the name, the role or the unit of somebody who works here is none"


class RoleNotAllowed(Problem):
    code = "role-not-allowed"
    status = 403
    title = "this role may not do that"


class TwoPeopleNeeded(Problem):
    code = "two-people-needed"
    status = 403
    title = "one person prepares and another one signs; nobody does both"


class OrderUnknown(Problem):
    code = "order-unknown"
    status = 404
    title = "nothing with this digest is prepared; it was signed, refused, is too old, or never was"


class OrderMalformed(Problem):
    code = "order-malformed"
    title = "what was prepared lacks something, or names what is not there"


class JournalBroken(Problem):
    code = "journal-broken"
    status = 500
    title = "a line of the journal does not follow from the one before it"


class AssessmentIncomplete(Problem):
    code = "assessment-incomplete"
    title = "the impact assessment of a file is not at the level it needs, or a step of it is not done"


class AssessmentMalformed(Problem):
    code = "assessment-malformed"
    title = "a step of an impact assessment is out of order, too early, or of another level"


class BreachMalformed(Problem):
    code = "breach-malformed"
    title = "a case of a breach lacks something, or a step of it is out of order"


class UsesConflict(Problem):
    code = "uses-conflict"
    title = "a converter counts the uses of a day that is over otherwise than before"
