// Values of etcd's enumerations, which are numbers in the generated messages.

/** Compare.CompareResult */
export const COMPARE_EQUAL = 0;
/** Compare.CompareTarget; the default, 0, compares the version. */
export const COMPARE_MOD = 2;

/** AlarmRequest.AlarmAction: only GET is read-only. */
export const ALARM_GET = 0;
/** AlarmType */
export const ALARM_NO_SPACE = 1;
export const ALARM_CORRUPT = 2;
