import{h as a,i as b}from"/console/assets/chunk-2XFRY6QH.js";import"/console/assets/chunk-MKXWJ4DC.js";export{b as FirstStart,a as default};
