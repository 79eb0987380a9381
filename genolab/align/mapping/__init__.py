"""How reads are mapped, step by step; its loops need Numba and are loaded when something is first mapped.

``seeds`` finds what a read and the reference share, ``chains`` where that lines up, ``bands`` aligns the read there,
``choice`` says which place is the read's, ``pairs`` looks at mates together, ``tags`` and ``records`` say it in BAM.
"""
