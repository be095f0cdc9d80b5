export { formerNamesOf, inspectRequestedServing, type RequestedServing } from './requested-serving.ts';
export { reportUsedCertificates, type UsedReport } from './used-report.ts';
