import { pathToFileURL } from 'node:url';
export default class D { private x: number = 1; read(o: number): number { return o + this.x + pathToFileURL('/').href.length; } }
