import { defineMatrix } from '../support/matrix.js'

await defineMatrix('local')
