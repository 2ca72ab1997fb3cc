package esl

import (
	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialstatus"
)

// namedCause is a cause of Q.850 in FreeSWITCH's words.
type namedCause struct {
	name  string
	cause ringside.HangupCause
}

// causeTable are the causes that have a number in Q.850 (switch_channel.c, CAUSE_CHART).
func causeTable() []namedCause {
	return []namedCause{
		{"UNALLOCATED_NUMBER", 1},
		{"NO_ROUTE_TRANSIT_NET", 2},
		{"NO_ROUTE_DESTINATION", 3},
		{"CHANNEL_UNACCEPTABLE", 6},
		{"CALL_AWARDED_DELIVERED", 7},
		{"NORMAL_CLEARING", 16},
		{"USER_BUSY", 17},
		{"NO_USER_RESPONSE", 18},
		{"NO_ANSWER", 19},
		{"SUBSCRIBER_ABSENT", 20},
		{"CALL_REJECTED", 21},
		{"NUMBER_CHANGED", 22},
		{"REDIRECTION_TO_NEW_DESTINATION", 23},
		{"EXCHANGE_ROUTING_ERROR", 25},
		{"DESTINATION_OUT_OF_ORDER", 27},
		{"INVALID_NUMBER_FORMAT", 28},
		{"FACILITY_REJECTED", 29},
		{"RESPONSE_TO_STATUS_ENQUIRY", 30},
		{"NORMAL_UNSPECIFIED", 31},
		{"NORMAL_CIRCUIT_CONGESTION", 34},
		{"NETWORK_OUT_OF_ORDER", 38},
		{"NORMAL_TEMPORARY_FAILURE", 41},
		{"SWITCH_CONGESTION", 42},
		{"ACCESS_INFO_DISCARDED", 43},
		{"REQUESTED_CHAN_UNAVAIL", 44},
		{"PRE_EMPTED", 45},
		{"FACILITY_NOT_SUBSCRIBED", 50},
		{"OUTGOING_CALL_BARRED", 52},
		{"INCOMING_CALL_BARRED", 54},
		{"BEARERCAPABILITY_NOTAUTH", 57},
		{"BEARERCAPABILITY_NOTAVAIL", 58},
		{"SERVICE_UNAVAILABLE", 63},
		{"BEARERCAPABILITY_NOTIMPL", 65},
		{"CHAN_NOT_IMPLEMENTED", 66},
		{"FACILITY_NOT_IMPLEMENTED", 69},
		{"SERVICE_NOT_IMPLEMENTED", 79},
		{"INVALID_CALL_REFERENCE", 81},
		{"INCOMPATIBLE_DESTINATION", 88},
		{"INVALID_MSG_UNSPECIFIED", 95},
		{"MANDATORY_IE_MISSING", 96},
		{"MESSAGE_TYPE_NONEXIST", 97},
		{"WRONG_MESSAGE", 98},
		{"IE_NONEXIST", 99},
		{"INVALID_IE_CONTENTS", 100},
		{"WRONG_CALL_STATE", 101},
		{"RECOVERY_ON_TIMER_EXPIRE", 102},
		{"MANDATORY_IE_LENGTH_ERROR", 103},
		{"PROTOCOL_ERROR", 111},
		{"INTERWORKING", 127},
	}
}

// causeOf is a cause by its name in FreeSWITCH; CauseUnknown for NONE and for a name that is not known.
// FreeSWITCH has causes of its own, which are put as Q.850 would put them.
func causeOf(name string) ringside.HangupCause {
	switch name {
	case "SUCCESS", "MANAGER_REQUEST", "BLIND_TRANSFER", "ATTENDED_TRANSFER", "BOWOUT", "SYSTEM_SHUTDOWN":
		return ringside.CauseNormal
	case "LOSE_RACE", "PICKED_OFF":
		return 26 // non-selected user clearing: somebody else took the call
	case "ORIGINATOR_CANCEL":
		return ringside.CauseNormal
	case "ALLOTTED_TIMEOUT", "NO_PICKUP":
		return ringside.CauseNoAnswer
	case "PROGRESS_TIMEOUT":
		return ringside.CauseNoUserResponse
	case "BUSY_EVERYWHERE":
		return ringside.CauseBusy
	case "DECLINE", "REJECT_ALL", "UNWANTED", "USER_CHALLENGE":
		return ringside.CauseRejected
	case "USER_NOT_REGISTERED":
		return ringside.CauseAbsent
	case "DOES_NOT_EXIST_ANYWHERE":
		return ringside.CauseUnallocated
	case "INVALID_GATEWAY", "INVALID_PROFILE", "INVALID_URL":
		return 3 // no route to destination
	case "GATEWAY_DOWN":
		return 27 // destination out of order
	}
	for _, c := range causeTable() {
		if c.name == name {
			return c.cause
		}
	}
	return ringside.CauseUnknown
}

// CauseName is FreeSWITCH's name of a cause; NORMAL_CLEARING for one that it has none for.
func CauseName(cause ringside.HangupCause) string {
	for _, c := range causeTable() {
		if c.cause == cause {
			return c.name
		}
	}
	return normalClearing
}

const normalClearing = "NORMAL_CLEARING"

// dispositionStatus tells how an attempt ended from originate_disposition, which is right also where no leg
// came to be (last_bridge_hangup_cause is that of the attempt before, then).
func dispositionStatus(disposition string) ringside.DialStatus {
	switch disposition {
	case "SUCCESS":
		return ringside.DialAnswered
	case "ORIGINATOR_CANCEL":
		return ringside.DialCancelled
	case "", "failure", "INVALIDARGS":
		return ringside.DialFailed
	}
	return dialstatus.OfCause(causeOf(disposition))
}
