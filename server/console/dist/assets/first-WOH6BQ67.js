import{h as a,i as b}from"/console/assets/chunk-A7LZ3CCF.js";import"/console/assets/chunk-JASIKQJW.js";import"/console/assets/chunk-NIFYVTUY.js";export{b as FirstStart,a as default};
