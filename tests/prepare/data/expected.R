# Makes the expected values of this folder: Rscript expected.R (edgeR, DESeq2, limma, sva, preprocessCore from Bioconductor)
# Inputs: counts.csv (made by make_inputs.py: seeded negative binomial) and bladder.csv (a slice of bladderbatch).
# Everything is written with samples in rows, 10 digits; what is one number per sample or model, 17.
suppressMessages({library(edgeR); library(DESeq2); library(limma); library(sva); library(preprocessCore)})
read <- function(name) t(as.matrix(read.csv(name, row.names = 1, check.names = FALSE)))  # genes in rows, as R has them
save <- function(x, name) write.table(signif(x, 10), gzfile(paste0(name, ".csv.gz")), sep = ",", row.names = FALSE, col.names = FALSE)
full <- function(x) format(x, digits = 17, trim = TRUE, scientific = TRUE)
x <- read("counts.csv.gz"); storage.mode(x) <- "integer"
group <- factor(rep(c("a", "b"), length.out = ncol(x)))

factors <- list(
  tmm = calcNormFactors(x, method = "TMM"), tmmwsp = calcNormFactors(x, method = "TMMwsp"),
  upper_quartile = calcNormFactors(x, method = "upperquartile"), median_of_ratios = estimateSizeFactorsForMatrix(x),
  poscounts = estimateSizeFactorsForMatrix(x, type = "poscounts"))
write.table(data.frame(lapply(factors, full)), "factors.csv", sep = ",", row.names = FALSE, quote = FALSE)
save(t(cpm(calcNormFactors(DGEList(x)), log = FALSE)), "cpm")
save(t(normalize.quantiles(x + 0)), "quantile_counts")

d <- DESeqDataSetFromMatrix(x, DataFrame(row.names = colnames(x), group), ~1)
save(t(assay(varianceStabilizingTransformation(d, blind = TRUE))), "vst_blind")
d <- DESeqDataSetFromMatrix(x, DataFrame(row.names = colnames(x), group), ~group)
save(t(assay(varianceStabilizingTransformation(d, blind = FALSE))), "vst_design")
d <- estimateSizeFactors(DESeqDataSetFromMatrix(x, DataFrame(row.names = colnames(x), group), ~1))
d <- estimateDispersionsFit(estimateDispersionsGeneEst(d, quiet = TRUE), quiet = TRUE)
save(cbind(mcols(d)$baseMean, mcols(d)$dispGeneEst), "dispersions")
write.table(full(t(attr(dispersionFunction(d), "coefficients"))), "trend.csv", sep = ",", row.names = FALSE, quote = FALSE)

v <- voom(calcNormFactors(DGEList(x)), model.matrix(~group))
save(t(v$E), "voom_values"); save(t(v$weights), "voom_weights")

b <- read("bladder.csv.gz"); pheno <- read.csv("bladder_pheno.csv", row.names = 1)
covariates <- model.matrix(~cancer, pheno)
save(t(normalize.quantiles(b)), "quantile_bladder")
save(t(suppressMessages(ComBat(b, pheno$batch))), "combat")
save(t(suppressMessages(ComBat(b, pheno$batch, mod = covariates))), "combat_covariates")
save(t(suppressMessages(ComBat(b, pheno$batch, mean.only = TRUE))), "combat_mean_only")
save(t(removeBatchEffect(b, pheno$batch)), "linear")
save(t(removeBatchEffect(b, pheno$batch, design = covariates)), "linear_covariates")
