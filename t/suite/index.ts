/** The conformance suites, for the authors of plug-ins: `import { driverSuite } from 'data-session/testing'`. */

export { type DriverSuiteOptions, driverSuite, type OpenedDriver } from './driver.js'
export { type IdSuiteOptions, idSuite } from './id.js'
export type { Runner } from './runner.js'
export { type Holds, type SerializerSuite, serializerSuite } from './serializer.js'
export { type SessionStore, type SessionSuite, sessionSuite } from './session.js'
